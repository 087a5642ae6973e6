"""The shipped passages in the real Elasticsearch: loaded, found, loaded again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import grpc
import pytest
from elasticsearch import AsyncElasticsearch
from throughline_services.prompt_builder.corpus import load, passages
from throughline_services.prompt_builder.retrieval import Corpus, connect
from throughline_services.prompt_builder.settings import ElasticsearchSettings
from throughline_services.runtime import ServiceError, deadline
from throughline_services.runtime.command import StartupError

SHIPPED = passages()


def test_passages_are_short_distinct_and_complete() -> None:
    assert len(SHIPPED) >= 40
    assert len({passage["id"] for passage in SHIPPED}) == len(SHIPPED)
    assert len({passage["title"] for passage in SHIPPED}) == len(SHIPPED)
    for passage in SHIPPED:
        assert passage.keys() == {"id", "title", "text"}
        assert 80 < len(passage["text"]) < 600


@pytest.fixture
def settings(elasticsearch: str) -> ElasticsearchSettings:
    return ElasticsearchSettings(elasticsearch_url=elasticsearch, corpus_index=f"corpus-{uuid4().hex}")


async def _documents(client: AsyncElasticsearch, index: str) -> dict[str, Any]:
    reply = await client.search(index=index, size=1000, version=True)
    return {hit["_id"]: hit["_source"] for hit in reply["hits"]["hits"]}


@pytest.mark.stack
async def test_loading_twice_leaves_each_passage_once_and_removes_strangers(settings: ElasticsearchSettings) -> None:
    await load(settings)
    async with connect(settings) as client:
        await client.index(
            index=settings.corpus_index, id="stranger", document={"title": "t", "text": "x"}, refresh=True
        )
        await load(settings)
        documents = await _documents(client, settings.corpus_index)
    assert documents == {each["id"]: {"title": each["title"], "text": each["text"]} for each in SHIPPED}


@pytest.mark.stack
@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How long does a claim take?", "claims-time"),
        ("I have lost my card", "card-lost"),
        ("Is my newborn insured?", "family-newborn"),
        ("Do I need a referral to see a specialist?", "specialist-referral"),
        ("What does a vaccination cost me?", "vaccinations"),
    ],
)
async def test_fitting_passage_comes_first(elasticsearch: str, question: str, expected: str) -> None:
    settings = ElasticsearchSettings(elasticsearch_url=elasticsearch, corpus_index="corpus-searched")
    await load(settings)
    async with connect(settings) as client:
        found = await Corpus(client, settings).search(question, 3)
    assert found[0].id == expected
    assert len(found) <= 3
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)


@pytest.mark.stack
async def test_missing_corpus_says_how_to_load_it(settings: ElasticsearchSettings) -> None:
    async with connect(settings) as client:
        with pytest.raises(ServiceError, match="throughline-corpus") as refused:
            await Corpus(client, settings).search("anything", 3)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CORPUS_MISSING")


async def test_elasticsearch_that_is_not_there_is_a_failure_with_a_reason() -> None:
    settings = ElasticsearchSettings(elasticsearch_url="http://127.0.0.1:1")
    async with connect(settings) as client:
        with pytest.raises(ServiceError) as refused:
            await Corpus(client, settings).search("anything", 3)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "RETRIEVAL_UNAVAILABLE")
    with pytest.raises(StartupError, match=r"127\.0\.0\.1:1"):
        await load(settings)


async def test_search_waits_no_longer_than_the_request_may_take() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    closing = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = ElasticsearchSettings(elasticsearch_url=f"http://127.0.0.1:{port}", elasticsearch_timeout=100)
    async with connect(settings) as client:
        with deadline.within(0.3), pytest.raises(ServiceError) as refused:
            await Corpus(client, settings).search("anything", 3)
    closing.set()
    server.close()
    await server.wait_closed()
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "RETRIEVAL_TIMEOUT")
