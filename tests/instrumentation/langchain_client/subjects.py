"""The models, the tool and the retriever that the tests of LangChain call. No test."""

from __future__ import annotations

from typing import Any

from instrumentation.langchain_client.exchanges import EXCHANGES
from instrumentation.langchain_client.over_openai import OverOpenAI
from instrumentation.langchain_client.wire import Canned
from instrumentation.openai_client.wire import chat_chunks, chat_reply, event_stream, json_response, stream_response
from instrumentation.scenarios import answering
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from throughline import ContentMode

CANARY = "a secret that nobody may read"
BOTH = ContentMode.SPAN_AND_EVENT


def canned(*_args: Any) -> Canned:
    return Canned(handler=lambda _request: EXCHANGES["reply"].reply)


def over_openai(*responses: Any, **options: Any) -> OverOpenAI:
    return OverOpenAI(handler=answering(*(responses or (json_response(chat_reply()),))), **options)


def streaming() -> Any:
    return stream_response(event_stream(chat_chunks("Hel", "lo.")))


@tool
def weather(city: str) -> str:
    """Tells it."""
    if city == "nowhere":
        raise LookupError(CANARY)
    return f"12 degrees in {city}, says {canned().invoke('how warm?').content}"


CALL = {"type": "tool_call", "name": "weather", "args": {"city": "Oslo"}, "id": "call-1"}


class Found(BaseRetriever):
    """Finds always the same."""

    k: int = 2

    def _get_relevant_documents(self, query: str, **_kwargs: Any) -> list[Document]:
        if query == "fail":
            raise LookupError(query)
        return [Document("Oslo is cold.", id="1", metadata={"score": 0.5}), Document("Rome is warm.")]


def found_documents() -> Found:
    return Found(name="cities")
