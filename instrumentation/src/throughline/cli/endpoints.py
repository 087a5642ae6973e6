"""Where the stack's parts are: by the environment, else by the .run/stack.env of a native stack; checks no part."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import httpx
from elasticsearch import Elasticsearch

from throughline.cli.failures import bad_input
from throughline.store import connect
from throughline.tls import client_of

STACK_FILE: Final = Path(".run/stack.env")
_ADVICE: Final = "start the stack with `make stack` and run this inside the repository, or export {}"
_EXAMPLES: Final = {
    "ELASTICSEARCH_URL": "ELASTICSEARCH_URL=http://127.0.0.1:9200",
    "JAEGER_URL": "JAEGER_URL=http://127.0.0.1:16686",
}
_PATIENCE_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The variables that name the parts."""

    variables: Mapping[str, str]
    stack_file: Path | None

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Self:
        """What the environment sets wins over the file; the file is looked for from the folder upward."""
        folder = folder or Path.cwd()
        file = next((path for place in (folder, *folder.parents) if (path := place / STACK_FILE).is_file()), None)
        return cls({**(_read(file) if file else {}), **environment}, file)

    def url(self, variable: str) -> str:
        """The address of a part without a slash at its end; CommandError where it is not set or no address."""
        value = self.variables.get(variable, "").strip().rstrip("/")
        example = _EXAMPLES.get(variable, variable)
        if not value:
            raise bad_input(
                f"{variable} is not set, and there is no {STACK_FILE} here or above", _ADVICE.format(example)
            )
        if not value.startswith(("http://", "https://")):
            raise bad_input(f"{variable} is {value!r}, which is no URL", f"write it as {example}")
        return value

    @contextmanager
    def elasticsearch(self, *, operator: bool = False) -> Iterator[Elasticsearch]:
        """A client that asks once: a person waits for the answer. `operator`: by that role's key, where it is set."""
        self.url("ELASTICSEARCH_URL")
        try:
            client = connect(self.variables, operator=operator)
        except (OSError, ValueError) as error:
            advice = "see ELASTICSEARCH_URL, …_API_KEY_FILE, …_CA_FILE, …_CLIENT_CERTIFICATE and …_CLIENT_KEY"
            raise bad_input(f"Elasticsearch's settings are wrong: {error}", advice) from None
        with client:
            yield client.options(max_retries=0, request_timeout=_PATIENCE_SECONDS)

    @contextmanager
    def http(self) -> Iterator[httpx.Client]:
        """An HTTP client for Jaeger, with the certificates meant for it, and for health checks."""
        try:
            verified = client_of("JAEGER", self.variables) or True
        except ValueError as error:
            advice = "see JAEGER_CA_FILE, JAEGER_CLIENT_CERTIFICATE and JAEGER_CLIENT_KEY"
            raise bad_input(f"Jaeger's settings are wrong: {error}", advice) from None
        with httpx.Client(timeout=_PATIENCE_SECONDS, verify=verified) as client:
            yield client


def _read(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}
