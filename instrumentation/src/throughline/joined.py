"""An operation that is what the one around it does: recorded on that one's span. Not how either is read."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from throughline.adapter import Route
from throughline.contained import contained
from throughline.operation import chosen_attributes, start_attributes
from throughline.recording import Recording


class Joined(Recording):
    """Has neither span nor record; its metric is its own, what the conventions say of it goes to the one around."""

    __slots__ = ("_around",)

    def __init__(self, recorder: Any, route: Route, current: Context, outer: Recording) -> None:
        super().__init__(recorder, route, current, outer)
        self._around: Recording | None = outer
        self.totals = outer.totals  # what is called inside is counted there

    def _open_span(self, current: Context) -> None:
        del current
        self._known = start_attributes(self.op)
        self.span_is_ours, self.span = False, self._outer.span if self._outer else self.span

    def _conclude(self, reason: str, body: Any, duration: float) -> None:
        around, self._around = self._around, None
        self.totals = self._outer = None  # it is no step of its own
        contained(self._read, reason, body)
        if around is not None:
            contained(self._hand_over, around, duration)
        self._let_go()

    def _hand_over(self, around: Recording, duration: float) -> None:
        op, instruments = self.op, self._recorder.instruments
        around.op.extra.update({**chosen_attributes(op, self.reader.hands_over), **op.extra})
        around.op.error_type = around.op.error_type or op.error_type
        instruments.measure(self.reader.measures or self.reader.operation, op, duration, (), self.context)
