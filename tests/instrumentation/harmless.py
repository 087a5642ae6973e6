"""Scenarios of faults in telemetry, for every client: hooks that raise, replies that nobody expected."""

from __future__ import annotations

import asyncio
import copy
import gc
import weakref
from typing import Any, ClassVar

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instrumentation.scenarios import Client, answering, dumped, needs
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, emission, recorder, recording

READER_HOOKS = ("request", "request_content", "response", "response_content", "fold", "fold_content")
ADAPTER_HOOKS = ("route", "prepare", "deliver", "amend", "provider")
RECORDER_HOOKS = (
    (recorder.Recorder, "begin"),
    (recorder, "amend"),
    *((recording.Recording, name) for name in ("_open_span", "_read", "_emit")),
    *((emission, name) for name in ("masked", "log_record")),
    (throughline.Masker, "value"),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, whole: Any) -> Any:
    """A reply of which some place holds something else, or nothing."""
    reply = copy.deepcopy(whole)
    place = reply
    while isinstance(place, (dict, list)) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
            if isinstance(place, dict) and draw(st.booleans()):
                del place[key]
            else:
                place[key] = draw(json_values)
            break
        place = place[key]
    return reply


_EXPECTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors]
fuzzing = settings(max_examples=500, deadline=None, suppress_health_check=_EXPECTED)


class Harmless:
    """The outcome of a call is that of the uninstrumented call, whatever fails in telemetry."""

    client: ClassVar[Client]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "hook" in metafunc.fixturenames:
            reader, adapter = type(self.client.reader), type(self.client.adapter)
            own = [name for name in ADAPTER_HOOKS if hasattr(adapter, name)]
            hooks = [*((reader, name) for name in READER_HOOKS), *((adapter, name) for name in own)]
            metafunc.parametrize("hook", [*hooks, *RECORDER_HOOKS], ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")

    def outcome(self, make: Any, way: str) -> Any:
        """What the application sees: its result as data, or its error."""
        api = self.client.api(answering(make))
        try:
            return dumped(asyncio.run(self.client.call(way, api, self.client.exchange.request)))
        except Exception as error:
            return type(error).__name__, str(error)

    @pytest.mark.complains
    @pytest.mark.parametrize("way", ["reply", "stream"])
    def test_a_broken_hook_costs_telemetry_only(
        self, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[type, str], way: str
    ) -> None:
        owner, name = hook
        make = self.client.answer(self.client.exchange, streamed=way == "stream")
        expected = self.outcome(make, way)
        broken: list[str] = []

        def raising(*_args: Any, **_kwargs: Any) -> Any:
            broken.append(name)
            raise RuntimeError("a bug in telemetry")

        monkeypatch.setattr(owner, name, raising)
        host = str(self.client.exchange.recorded["server.address"])
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, trace_hosts=frozenset({host}))
        assert self.outcome(make, way) == expected
        assert broken or (name.startswith("fold") and way == "reply") or (owner, name) in self.client.not_called

    @pytest.mark.parametrize("way", ["reply", "stream"])
    def test_memory_is_given_back(self, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
        kept: list[weakref.ref[Any]] = []
        begin = recording.Recording.__init__

        def counted(self: Any, *args: Any, **kwargs: Any) -> None:
            kept.append(weakref.ref(self))
            begin(self, *args, **kwargs)

        monkeypatch.setattr(recording.Recording, "__init__", counted)
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        make = self.client.answer(self.client.exchange, streamed=way == "stream")
        for _ in range(3):
            self.outcome(make, way)
        gc.collect()
        assert kept
        assert not any(reference() for reference in kept)

    def malformed(self, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, make: Any, way: str) -> None:
        throughline.uninstrument()
        expected = self.outcome(make, way)
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, estimate_usage=True)
        assert self.outcome(make, way) == expected
        assert not [line for line in caplog.messages if "Invalid type" in line]

    @pytest.mark.complains
    @pytest.mark.filterwarnings("ignore::UserWarning")
    @fuzzing
    @given(data=st.data())
    def test_malformed_replies_pass_as_they_are(
        self, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, data: st.DataObject
    ) -> None:
        exchange = data.draw(st.sampled_from(list(self.client.exchanges.values())))
        reply = data.draw(mutated(exchange.reply))
        self.malformed(telemetry, caplog, lambda: self.client.body(reply), "reply")

    @pytest.mark.complains
    @pytest.mark.filterwarnings("ignore::UserWarning")
    @needs("stream")
    @fuzzing
    @given(data=st.data())
    def test_malformed_chunks_pass_as_they_are(
        self, telemetry: Telemetry, caplog: pytest.LogCaptureFixture, data: st.DataObject
    ) -> None:
        exchange = data.draw(st.sampled_from(list(self.client.exchanges.values())))
        chunks = data.draw(mutated(exchange.chunks))
        self.malformed(telemetry, caplog, lambda: self.client.event_stream(self.client.events(chunks)), "stream")
