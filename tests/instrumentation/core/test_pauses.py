"""Operations that stop without a failure, and calls that turn out to be none."""

from __future__ import annotations

from typing import Any

import pytest
from instrumentation.core import toy
from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from opentelemetry.trace import StatusCode
from throughline import names


class Interrupted(Exception):  # noqa: N818 - it is no error
    """How a framework leaves a tool to ask somebody first."""


class Handed(Interrupted):
    """The same for another reason."""


@pytest.fixture(autouse=True)
def on(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy.Tool, "pauses", frozenset({"Interrupted"}))
    telemetry.instrument()


@pytest.mark.parametrize("error", [Interrupted, Handed])
def test_an_interruption_is_no_error(telemetry: Telemetry, error: type[Exception]) -> None:
    def steps() -> None:
        raise error

    with pytest.raises(error):
        Framework().tool(steps)
    found = telemetry.attributes()
    assert (found[names.END_REASON], found.get(names.ERROR_TYPE)) == ("interrupted", None)
    assert telemetry.span().status.status_code is StatusCode.UNSET


def test_it_is_one_for_who_does_not_know_it(telemetry: Telemetry) -> None:
    def steps() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        Framework().agent(steps)
    assert telemetry.attributes()[names.ERROR_TYPE] == "Interrupted"


def test_what_gives_way_can_be_forgotten(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver(_self: Any, result: Any, running: Any) -> Any:
        running.forget()
        return result

    monkeypatch.setattr(toy.ToyAdapter, "deliver", deliver)
    assert Framework().model(lambda: {"in": 3}) == {"in": 3}
    assert (telemetry.spans(), telemetry.points()) == ([], {})
    Model().ask("a call that is one stays one")
    assert telemetry.attributes()[names.END_REASON] == "completed"
