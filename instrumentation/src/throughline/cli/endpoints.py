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
    def elasticsearch(self) -> Iterator[Elasticsearch]:
        """A client that asks once: a person waits for the answer."""
        self.url("ELASTICSEARCH_URL")
        try:
            client = connect(self.variables)
        except (OSError, ValueError) as error:
            raise bad_input(
                f"Elasticsearch's settings are wrong: {error}", "see ELASTICSEARCH_URL and …_API_KEY_FILE"
            ) from None
        with client:
            yield client.options(max_retries=0, request_timeout=_PATIENCE_SECONDS)

    @contextmanager
    def http(self) -> Iterator[httpx.Client]:
        """A plain HTTP client, for Jaeger and health checks."""
        with httpx.Client(timeout=_PATIENCE_SECONDS) as client:
            yield client


def _read(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}
