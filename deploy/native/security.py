"""Which certificates and keys the parts of a secured stack are told; it makes none and starts nothing."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from native.certificates import PASSWORD, provide
from native.part import Check, http

API_KEY = "api_key"
_KEYS = {
    "writer": "collector",
    "reader": "grafana",
    "retriever": "prompt-builder",
    "auditor": "operator",
    "operator": "operator",
    "librarian": "operator",
}
"""Role → the part whose folder holds a key of it."""


@dataclass(frozen=True, slots=True)
class Security:
    """The folder of certificates, and in it what each part needs; `None` in its place is a stack in plain text."""

    folder: Path

    def provide(self) -> None:
        """Have a good certificate for each part."""
        provide(self.folder)

    def files(self, part: str) -> dict[str, str]:
        """A part's own: what it trusts, what it shows, and its key."""
        place = self.folder / part
        return {
            "CA_FILE": str(place / "authority.pem"),
            "CLIENT_CERTIFICATE": str(place / "certificate.pem"),
            "CLIENT_KEY": str(place / "key.pem"),
        }

    def api_key(self, role: str) -> str:
        """The file with a key of this role."""
        part = _KEYS[role]
        return str(self.folder / part / (API_KEY if part != "operator" else f"{role}_{API_KEY}"))

    def of_elasticsearch(self, part: str, role: str | None = None) -> dict[str, str]:
        """A client of Elasticsearch; without a role its first user, who makes roles and keys."""
        told = {f"ELASTICSEARCH_{name}": path for name, path in self.files(part).items()}
        if role:
            return {**told, "ELASTICSEARCH_API_KEY_FILE": self.api_key(role)}
        keys = {f"THROUGHLINE_{each.upper()}_API_KEY_FILE": self.api_key(each) for each in _KEYS}
        return {**told, **keys, "ELASTICSEARCH_PASSWORD_FILE": str(self.folder / part / PASSWORD)}

    def of_jaeger(self, part: str) -> dict[str, str]:
        """A client of Jaeger's query API."""
        return {f"JAEGER_{name}": path for name, path in self.files(part).items()}

    def of_otlp(self, part: str = "application") -> dict[str, str]:
        """An application that sends, by OpenTelemetry's own variables."""
        files = self.files(part)
        return {
            "OTEL_EXPORTER_OTLP_CERTIFICATE": files["CA_FILE"],
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": files["CLIENT_CERTIFICATE"],
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": files["CLIENT_KEY"],
        }

    def server(self, prefix: str, part: str) -> dict[str, str]:
        """A part that listens, and shows the same certificate where it is a client."""
        files = self.files(part)
        return {
            f"{prefix}_CA_FILE": files["CA_FILE"],
            f"{prefix}_CERTIFICATE_FILE": files["CLIENT_CERTIFICATE"],
            f"{prefix}_KEY_FILE": files["CLIENT_KEY"],
        }

    def elasticsearch_answers(self, url: str) -> Check:
        """Ready when it says so to its first user."""

        def check() -> bool:
            files = self.files("operator")
            context = ssl.create_default_context(cafile=files["CA_FILE"])
            context.load_cert_chain(files["CLIENT_CERTIFICATE"], files["CLIENT_KEY"])
            user = b"elastic:" + (self.folder / "operator" / PASSWORD).read_bytes()
            return http(url, context, {"Authorization": f"Basic {base64.b64encode(user).decode()}"})()

        return check

    def published(self) -> Mapping[str, str]:
        """What the person at this machine is told: files that are his alone, and never what is in them."""
        return {
            **self.of_elasticsearch("operator", "auditor"),
            "THROUGHLINE_OPERATOR_API_KEY_FILE": self.api_key("operator"),
            **self.of_jaeger("operator"),
            **self.of_otlp(),
        }
