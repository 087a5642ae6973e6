"""The gateway's settings."""

from pathlib import Path

from pydantic import PositiveFloat, PositiveInt

from throughline_services.runtime import Address, ClientSettings, environment


class GatewaySettings(ClientSettings):
    """Of the service."""

    listen: Address = environment("GATEWAY_LISTEN", "127.0.0.1:8080", "address to listen on")
    prompt_builder: Address = environment("PROMPT_BUILDER_TARGET", "127.0.0.1:50051", "where the prompt builder is")
    llm_caller: Address = environment("LLM_CALLER_TARGET", "127.0.0.1:50052", "where the LLM caller is")
    postprocessor: Address = environment("POSTPROCESSOR_TARGET", "127.0.0.1:50053", "where the postprocessor is")
    request_timeout: PositiveFloat = environment(
        "REQUEST_TIMEOUT", 90.0, "seconds that answering one question may take"
    )
    max_body_bytes: PositiveInt = environment("MAX_BODY_BYTES", 1024 * 1024, "largest request body taken")
    jaeger_url: str | None = environment("JAEGER_URL", None, "Jaeger's query API; unset: no waterfall")
    jaeger_ca_file: Path | None = environment("JAEGER_CA_FILE", None, "PEM file: authority that signed its certificate")
    jaeger_client_certificate: Path | None = environment(
        "JAEGER_CLIENT_CERTIFICATE", None, "PEM file: the certificate shown to it"
    )
    jaeger_client_key: Path | None = environment("JAEGER_CLIENT_KEY", None, "PEM file: its private key")
    jaeger_page_url: str | None = environment(
        "JAEGER_PAGE_URL", None, "Jaeger's own page for the link on ours, if the query API has one"
    )
    grafana_url: str | None = environment("GRAFANA_URL", None, "Grafana, for the link on the page")
