"""An Elasticsearch client from the environment's settings; it neither finds a server nor waits for one."""

from collections.abc import Mapping
from pathlib import Path

from elasticsearch import Elasticsearch


def connect(environment: Mapping[str, str]) -> Elasticsearch:
    """By ELASTICSEARCH_URL and, if set, ELASTICSEARCH_API_KEY or the file named by ELASTICSEARCH_API_KEY_FILE."""
    url = environment.get("ELASTICSEARCH_URL")
    if not url:
        raise ValueError("ELASTICSEARCH_URL is not set")
    key = environment.get("ELASTICSEARCH_API_KEY")
    if not key and (path := environment.get("ELASTICSEARCH_API_KEY_FILE")):
        key = Path(path).read_text().strip()
    return Elasticsearch(url, api_key=key or None, request_timeout=30)
