"""An Elasticsearch that holds known traffic with a planted slow host, some requests beside it, and the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cli.conftest import Run, run
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from explaining import traffic
from explaining.traffic import Document
from throughline import names
from throughline.records.proof import CONTENT

__all__ = ["run"]

KINDS = ("record", "operation", "content", "evaluation")
STREAMS = {kind: f"logs-genai.{kind}.otel-explaining" for kind in KINDS}
COUNT = 300
SLOW, ORDINARY, TWIN, CHANGED, SEALED = (traffic.trace_id(number) for number in range(1000, 1005))
FAILED, LONELY, FEW, JUDGED = (traffic.trace_id(number) for number in range(1005, 1009))
ODD, OUTSIDE = traffic.trace_id(1011), traffic.trace_id(1012)
CHAT, RETRIEVAL = f"{3:016x}", f"{1:016x}"
QUESTION = "May I ask\ntwice?"
Why = Callable[..., Any]


def everything() -> list[Document]:
    """Three hundred requests of one prompt, and those that tests ask about."""
    rng = np.random.default_rng(17)
    crowd = [traffic.draw(number, rng) for number in range(COUNT)]
    for drawn in crowd:
        drawn.retrieval += rng.lognormal(2, 0.2) if drawn.host == "b" else 0
    return [document for drawn in crowd for document in traffic.documents(drawn)] + _asked_about()


def _asked_about() -> list[Document]:
    slow = _typical(1000, host="b", retrieval=9.0)
    failed = _typical(1005, error="RateLimitError")
    ordinary, twin = (_said(_typical(number), QUESTION) for number in (1001, 1002))
    changed = _said(_typical(1003, temperature=0.7, wait=2.0), QUESTION.replace("twice", "thrice"), score=5.0)
    sealed = _typical(1004)
    sealed[2]["attributes"] |= {names.CONTENT_SEALED: "c2VhbGVk", names.CONTENT_SEALED_FOR: "key-7"}
    lonely = _of_prompt(_typical(1006), "nobody else's")
    few = [_elsewhere(_of_prompt(_typical(number), "few")) for number in (1007, 1009, 1010)]
    judged = _typical(1008, wait=60.0)
    for document in judged:
        document["attributes"][names.JUDGING] = True
    odd = _of_prompt(_typical(1011), "[/] odd")
    odd[1]["attributes"][names.OPERATION_NAME] = "[/] step\x1b[2J"
    outside = _of_prompt(_typical(1012), "outside of any trace")
    for document in outside:
        del document["trace_id"]
    requests = [slow, failed, ordinary, twin, changed, sealed, lonely, *few, judged, odd, outside]
    return [document for request in requests for document in request]


def _typical(number: int, **changes: Any) -> list[Document]:
    drawn = traffic.draw(number, np.random.default_rng(1))
    typical = {
        "begin": traffic.START + traffic.DAY / 2 + number, "host": "a", "caller": "y", "model": "small", "wait": 0.4,
        "variant": "concise", "version": "1", "user": "ada", "temperature": 0.2, "streamed": True, "top_k": 5,
        "input_tokens": 1000, "output_tokens": 90, "saturation": 0.2, "pace": 0.01, "retrieval": 0.2,
    }  # fmt: skip
    for field, value in {**typical, **changes}.items():
        setattr(drawn, field, value)
    return traffic.documents(drawn)


def _said(request: list[Document], question: str, score: float = 7.25) -> list[Document]:
    """With content, an evaluation and, in its records alone, an id of the provider's."""
    found, call = request[0]["attributes"], request[2]["attributes"]
    found |= {names.RETRIEVAL_QUERY_TEXT: "opinion?", names.RETRIEVAL_DOCUMENTS: [{"id": "care-line", "score": score}]}
    call |= {
        names.RESPONSE_ID: f"r-{request[2]['trace_id']}",
        names.INPUT_MESSAGES: [_message("user", question)],
        names.OUTPUT_MESSAGES: [_message("assistant", "Yes.")],
    }
    return request


def _message(role: str, content: str) -> Document:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def _of_prompt(request: list[Document], name: str) -> list[Document]:
    for document in request:
        document["attributes"][names.PROMPT_NAME] = name
    return request


def _elsewhere(request: list[Document]) -> list[Document]:
    for document in request:
        document["resource"]["attributes"][names.SERVICE_NAME] = "a service of its own"
    return request


def actions() -> Iterator[Document]:
    """All of it, taken apart as the Collector does it, for Elasticsearch's bulk."""
    for document in everything():
        told, identity = document["attributes"], document["_id"]
        is_call = told[names.OPERATION_NAME] in ("chat", "retrieval")
        said = {name: value for name, value in told.items() if name in CONTENT}
        known = {name: value for name, value in told.items() if name not in CONTENT}
        body = {name: value for name, value in document.items() if name != "_id"}
        yield _action("record" if is_call else "operation", identity, {**body, "attributes": known})
        if said:
            yield _action("content", identity, {**body, "attributes": {names.RECORD_ID: identity, **said}})
    for number in range(COUNT):
        yield _evaluation(traffic.trace_id(number), 0.9 + number / 10_000)
    yield _evaluation(SLOW, 0.1)


def _evaluation(trace: str, score: float) -> Document:
    told = {names.EVALUATION_NAME: "grounded", names.EVALUATION_SCORE_VALUE: score}
    body = {"@timestamp": f"{int(traffic.START * 1e3)}.0", "trace_id": trace, "attributes": told}
    return _action("evaluation", f"{trace}evaluation", {**body, "event_name": names.EVALUATION_RESULT})


def _action(kind: str, identity: str, source: Document) -> Document:
    return {"_op_type": "create", "_index": STREAMS[kind], "_id": identity, "_source": source}


@pytest.fixture(scope="module")
def stored(elasticsearch: str) -> Iterator[str]:
    """URL of an Elasticsearch that has it, for as long as these tests run."""
    with Elasticsearch(elasticsearch) as client:
        bulk(client, actions(), refresh=True)
        yield elasticsearch
        for stream in STREAMS.values():
            client.delete_by_query(index=stream, query={"match_all": {}}, refresh=True)


@pytest.fixture
def why(run: Run, stored: str) -> Why:
    """What `throughline why --json` says."""

    def explained(*arguments: str) -> Any:
        ended = run("why", *arguments, "--json", ELASTICSEARCH_URL=stored)
        assert ended.code == 0, ended.err
        (told,) = ended.lines
        return told

    return explained
