"""The command throughline-corpus: loads the shipped passages into Elasticsearch; searches nothing."""

import logging
from pathlib import Path
from typing import Any

import yaml
from elasticsearch import ApiError, AsyncElasticsearch, TransportError
from elasticsearch.helpers import async_bulk

from throughline_services.prompt_builder.retrieval import connect
from throughline_services.prompt_builder.settings import ElasticsearchSettings
from throughline_services.runtime import StartupError, run

logger = logging.getLogger(__name__)

PASSAGES = Path(__file__).parent / "corpus.yaml"
MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "title": {"type": "text", "analyzer": "english"},
        "text": {"type": "text", "analyzer": "english"},
    },
}
# One shard without replicas: forty passages, and a single node is green with them.
SHARDS = {"number_of_shards": 1, "number_of_replicas": 0}


def passages() -> list[dict[str, str]]:
    """Each with id, title and text."""
    loaded: list[dict[str, str]] = yaml.safe_load(PASSAGES.read_text())
    return loaded


async def load(settings: ElasticsearchSettings) -> None:
    """Loads the shipped help-desk passages into Elasticsearch; loading again changes nothing."""
    shipped = passages()
    try:
        async with connect(settings) as client:
            await _store(client, settings.corpus_index, shipped)
    except (ApiError, TransportError) as error:
        raise StartupError(f"Elasticsearch at {settings.elasticsearch_url} did not take the corpus: {error}") from error
    logger.info("%d passages are in %s", len(shipped), settings.corpus_index)


async def _store(client: AsyncElasticsearch, index: str, shipped: list[dict[str, str]]) -> None:
    if not await client.indices.exists(index=index):
        await client.indices.create(index=index, mappings=MAPPINGS, settings=SHARDS)
    await async_bulk(client, [_action(passage, index) for passage in shipped])
    await _drop_others(client, index, [passage["id"] for passage in shipped])


def _action(passage: dict[str, str], index: str) -> dict[str, Any]:
    return {"_index": index, "_id": passage["id"], "title": passage["title"], "text": passage["text"]}


async def _drop_others(client: AsyncElasticsearch, index: str, shipped: list[str]) -> None:
    """Passages of an older corpus would still be found; the refresh makes the new ones found at once."""
    await client.indices.refresh(index=index)
    others = {"bool": {"must_not": {"ids": {"values": shipped}}}}
    await client.delete_by_query(index=index, query=others, refresh=True, conflicts="proceed")


def main() -> None:
    run(ElasticsearchSettings, load)


if __name__ == "__main__":
    main()
