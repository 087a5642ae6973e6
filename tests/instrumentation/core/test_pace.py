"""How long a model took per output token: by the formula, of whole answers, without the waits of attempts before."""

from __future__ import annotations

from typing import Any

import pytest
from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from throughline import names
from throughline.operation import Operation
from throughline.replies import pace

BEGAN, ENDED = 100.0, 104.0


def paced(tokens: int | None, times: Any = (), **fields: Any) -> float | None:
    """Seconds per token of a call from 100 s to 104 s, whose chunks came at these times."""
    op = Operation()
    vars(op).update({"name": "chat", "end_reason": "completed", "output_tokens": tokens, **fields})
    pace(op, times, BEGAN, ENDED)
    return op.time_per_output_token


@pytest.mark.parametrize("operation", ["chat", "generate_content", "text_completion"])
def test_of_a_whole_reply_all_its_time_by_all_its_tokens(operation: str) -> None:
    assert paced(8, name=operation) == 0.5


def test_of_a_stream_from_its_first_chunk_to_its_last_by_the_tokens_after_the_first() -> None:
    assert paced(9, (101.0, 101.5, 103.0), stream=True) == 0.25


@pytest.mark.parametrize(
    "known",
    [
        {"tokens": None},
        {"tokens": 0},
        {"tokens": 1},
        {"tokens": 9, "end_reason": "closed"},
        {"tokens": 9, "end_reason": "error"},
        {"tokens": 9, "name": "invoke_agent"},
        {"tokens": 9, "name": "embeddings"},
        {"tokens": 9, "stream": True},
        {"tokens": 9, "stream": True, "times": (101.0,)},
    ],
)
def test_where_that_says_nothing_there_is_none(known: dict[str, Any]) -> None:
    assert paced(**known) is None


def test_a_call_and_a_stream_have_it_and_what_encloses_them_has_not(telemetry: Telemetry) -> None:
    telemetry.instrument()
    Framework().agent(lambda: (Model().ask("one"), list(Model().stream("some more words"))))
    reply, stream, agent = telemetry.spans()
    took = (reply.end_time - reply.start_time) / 1e9
    assert reply.attributes[names.TIME_PER_OUTPUT_TOKEN] == pytest.approx(took / 7, abs=1e-6)
    took = (stream.end_time - stream.start_time) / 1e9 - stream.attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK]
    assert 0 < stream.attributes[names.TIME_PER_OUTPUT_TOKEN] <= took / 6
    assert names.TIME_PER_OUTPUT_TOKEN not in agent.attributes
