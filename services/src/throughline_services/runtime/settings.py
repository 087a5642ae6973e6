"""Settings that services have in common, parsed once from flags and environment; not where a service's own live."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit() and int(port) < 65536):
        raise ValueError("expected HOST:PORT, for example 127.0.0.1:8080")
    return text


Address = Annotated[str, AfterValidator(_address)]


def environment(variable: str, default: Any, description: str) -> Any:
    """A field that reads this environment variable; the description is its line in `--help`."""
    return Field(default, validation_alias=variable, description=description)


class ServiceSettings(BaseSettings):
    """Of every process."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, env_ignore_empty=True, extra="ignore")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = environment(
        "LOG_LEVEL", "INFO", "least severe of DEBUG, INFO, WARNING, ERROR that is logged; content never is"
    )
    shutdown_grace: PositiveFloat = environment(
        "SHUTDOWN_GRACE", 20.0, "seconds that running requests get to finish after SIGTERM or SIGINT"
    )


class ClientSettings(ServiceSettings):
    """Of a process that calls others by gRPC."""

    tls_ca: Path | None = environment("GRPC_TLS_CA", None, "PEM file: authority that signed the servers' certificates")
    max_message_bytes: PositiveInt = environment(
        "GRPC_MAX_MESSAGE_BYTES", 32 * 1024 * 1024, "largest gRPC message taken or sent"
    )
    deadline_margin: PositiveFloat = environment(
        "DEADLINE_MARGIN", 0.25, "seconds of an incoming deadline kept back to answer with a reason"
    )


class GrpcSettings(ClientSettings):
    """Of a process that serves gRPC."""

    tls_cert: Path | None = environment(
        "GRPC_TLS_CERT", None, "PEM file: this server's certificates; unset: plain text"
    )
    tls_key: Path | None = environment("GRPC_TLS_KEY", None, "PEM file: its private key")
    max_concurrent: PositiveInt = environment(
        "GRPC_MAX_CONCURRENT", 256, "requests served at once; more are refused with RESOURCE_EXHAUSTED"
    )

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("GRPC_TLS_CERT and GRPC_TLS_KEY belong together: set both or neither")
        return self
