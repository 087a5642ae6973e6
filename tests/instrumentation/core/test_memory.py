"""What an ended operation keeps: a thread or a task begun inside keeps its context for as long as it runs."""

from __future__ import annotations

import contextvars
import gc
import weakref
from typing import Any

from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from opentelemetry import context
from throughline import ContentMode, names
from throughline.identity import RUNNING
from throughline.recording import Recording


def here() -> Recording:
    found = context.get_current()[RUNNING]
    assert isinstance(found, Recording)
    return found


def test_work_that_goes_on_inside_keeps_only_the_operation_that_it_was_begun_in(telemetry: Telemetry) -> None:
    telemetry.instrument()
    seen: list[weakref.ref[Recording]] = []
    begun = [contextvars.copy_context()]

    def steps() -> None:
        seen.append(weakref.ref(here()))
        begun.append(contextvars.copy_context())

    for _ in range(5):
        begun.pop(0).run(Framework().agent, lambda: Framework().tool(steps))
    gc.collect()
    assert [recording() is not None for recording in seen] == [False] * 4 + [True]


def test_what_ended_keeps_no_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    kept: list[Any] = []

    def steps() -> None:
        kept.append(here())
        Model().ask("hi")
        assert kept[0].op.tool_arguments

    Framework().tool(steps)
    (ended,) = kept
    (span,) = [span for span in telemetry.spans() if span.name.startswith("execute_tool")]
    assert names.TOOL_CALL_ARGUMENTS in span.attributes
    left = {name: getattr(ended, name) for name in ("_body", "_outer", "amended", "totals", "whole")}
    assert not any(left.values()), left
    assert ended.op.tool_arguments is None
