"""The prompt builder's settings."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import PositiveFloat, PositiveInt, SecretStr, model_validator

from throughline_services.runtime import Address, GrpcSettings, ServiceSettings, StartupError, environment
from throughline_services.runtime.tls import client_context

PACKAGED = Path(__file__).parent / "prompts"


class ElasticsearchSettings(ServiceSettings):
    """Where the passages are."""

    elasticsearch_url: str = environment("ELASTICSEARCH_URL", "http://127.0.0.1:9200", "Elasticsearch")
    elasticsearch_api_key: SecretStr | None = environment("ELASTICSEARCH_API_KEY", None, "its API key")
    elasticsearch_api_key_file: Path | None = environment("ELASTICSEARCH_API_KEY_FILE", None, "or a file holding it")
    elasticsearch_ca_file: Path | None = environment(
        "ELASTICSEARCH_CA_FILE", None, "PEM file: authority that signed its certificate"
    )
    elasticsearch_client_certificate: Path | None = environment(
        "ELASTICSEARCH_CLIENT_CERTIFICATE", None, "PEM file: the certificate shown to it"
    )
    elasticsearch_client_key: Path | None = environment("ELASTICSEARCH_CLIENT_KEY", None, "PEM file: its private key")
    corpus_index: str = environment("CORPUS_INDEX", "throughline-corpus", "index that holds the passages")
    elasticsearch_timeout: PositiveFloat = environment("ELASTICSEARCH_TIMEOUT", 10.0, "seconds a search may take")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.elasticsearch_api_key and self.elasticsearch_api_key_file:
            raise ValueError("set ELASTICSEARCH_API_KEY or ELASTICSEARCH_API_KEY_FILE, not both")
        return self

    def api_key(self) -> str | None:
        if self.elasticsearch_api_key_file:
            return _content(self.elasticsearch_api_key_file)
        return self.elasticsearch_api_key.get_secret_value() if self.elasticsearch_api_key else None

    def tls(self) -> ssl.SSLContext | None:
        return client_context(
            self.elasticsearch_ca_file, self.elasticsearch_client_certificate, self.elasticsearch_client_key
        )


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise StartupError(f"cannot read {file}: {error.strerror}") from error


class PromptBuilderSettings(ElasticsearchSettings, GrpcSettings):
    """Of the service."""

    listen: Address = environment("PROMPT_BUILDER_LISTEN", "127.0.0.1:50051", "address to listen on")
    prompts: Path = environment("THROUGHLINE_PROMPTS", PACKAGED, "folder of prompt files and experiments")
    prompt_name: str = environment("PROMPT_NAME", "help-desk", "prompt used when a request names none")
    top_k: PositiveInt = environment("RETRIEVAL_TOP_K", 4, "passages looked for when a request names no number")
