"""Finds the passages of the corpus that bear on a question; renders nothing."""

from dataclasses import dataclass
from typing import Any

import grpc
import throughline
from elastic_transport import HttpxAsyncHttpNode
from elasticsearch import ApiError, AsyncElasticsearch, ConnectionTimeout, NotFoundError, TransportError

from throughline_services.prompt_builder.settings import ElasticsearchSettings
from throughline_services.runtime import ServiceError, deadline


@dataclass(frozen=True, slots=True)
class Passage:
    """One hit; a higher score means a better match."""

    id: str
    title: str
    text: str
    score: float


def connect(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    secured: dict[str, Any] = {"ssl_context": context} if (context := settings.tls()) else {}
    return AsyncElasticsearch(
        settings.elasticsearch_url, api_key=settings.api_key(), node_class=HttpxAsyncHttpNode, **secured
    )


class Corpus:
    """The index of passages."""

    def __init__(self, client: AsyncElasticsearch, settings: ElasticsearchSettings) -> None:
        self._client = client
        self._index = settings.corpus_index
        self._timeout = settings.elasticsearch_timeout

    async def search(self, question: str, top_k: int) -> list[Passage]:
        """Best first, by BM25 over title and text."""
        with throughline.retrieval(self._index, query=question, top_k=top_k, provider="elasticsearch") as found:
            passages = [_passage(hit) for hit in await self._hits(question, top_k)]
            found.documents = [{"id": passage.id, "score": passage.score} for passage in passages]
        return passages

    async def _hits(self, question: str, top_k: int) -> list[dict[str, Any]]:
        client = self._client.options(request_timeout=deadline.remaining(self._timeout), max_retries=0)
        query = {"multi_match": {"query": question, "fields": ["title^2", "text"]}}
        try:
            reply = await client.search(index=self._index, query=query, size=top_k, source_includes=["title", "text"])
        except NotFoundError as error:
            raise ServiceError(
                grpc.StatusCode.FAILED_PRECONDITION, "CORPUS_MISSING", "no corpus is loaded: run throughline-corpus"
            ) from error
        except ConnectionTimeout as error:
            message = "Elasticsearch did not answer in time: retry later"
            raise ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, "RETRIEVAL_TIMEOUT", message) from error
        except (ApiError, TransportError) as error:
            message = f"Elasticsearch failed: {type(error).__name__}"
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, "RETRIEVAL_UNAVAILABLE", message) from error
        return list(reply["hits"]["hits"])


def _passage(hit: dict[str, Any]) -> Passage:
    return Passage(hit["_id"], hit["_source"]["title"], hit["_source"]["text"], hit["_score"])
