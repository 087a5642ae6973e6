"""An Elasticsearch client from the environment's settings; it neither finds a server nor waits for one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from throughline.tls import client_of

OPERATOR_KEY = "THROUGHLINE_OPERATOR_API_KEY_FILE"


def connect(environment: Mapping[str, str], *, operator: bool = False) -> Elasticsearch:
    """By ELASTICSEARCH_URL and, if set, who it is and by which certificates.

    Who: ELASTICSEARCH_API_KEY, or the file named by …_API_KEY_FILE, or …_USER with the file named by …_PASSWORD_FILE.
    For an operator's work that user comes first, then the key in the file named by THROUGHLINE_OPERATOR_API_KEY_FILE.
    """
    url = environment.get("ELASTICSEARCH_URL")
    if not url:
        raise ValueError("ELASTICSEARCH_URL is not set")
    context = client_of("ELASTICSEARCH", environment)
    if context and not url.startswith("https://"):
        raise ValueError("ELASTICSEARCH_CA_FILE or a client certificate is set, but ELASTICSEARCH_URL is not https://")
    secured: dict[str, Any] = {"ssl_context": context} if context else {}
    return Elasticsearch(url, request_timeout=30, **secured, **_who(environment, operator))


def _who(environment: Mapping[str, str], operator: bool) -> dict[str, Any]:
    user = environment.get("ELASTICSEARCH_USER") or "elastic"
    password, key = environment.get("ELASTICSEARCH_PASSWORD_FILE"), _one_line(environment, "ELASTICSEARCH_API_KEY")
    files = [environment.get(OPERATOR_KEY) if operator else None, environment.get("ELASTICSEARCH_API_KEY_FILE")]
    file = next(filter(None, files), None)
    if password and (operator or not (key or file)):
        return {"basic_auth": (user, _content(password))}
    if key and not (operator and files[0]):
        return {"api_key": key}
    return {"api_key": _key(_content(file), file)} if file else {}


def _content(path: str) -> str:
    return Path(path).read_text().strip()


def _one_line(environment: Mapping[str, str], variable: str) -> str:
    return _key(environment[variable], variable) if environment.get(variable) else ""


def _key(text: str, where: str) -> str:
    """What may go into a header: of anything else, the client's complaint would quote all."""
    key = text.strip()
    if not key.isascii() or not key.isprintable() or not key:
        raise ValueError(f"{where} holds no API key of one line")
    return key
