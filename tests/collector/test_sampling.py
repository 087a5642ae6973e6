"""When the sampler decides and what then holds; what each policy keeps is in the golden cases."""

from __future__ import annotations

import re

import yaml
from collector import otlp
from collector.conftest import Run
from collector.running import CONFIGURATION, Collector, eventually

KEPT, DROPPED, SENTINEL = f"{1:032x}", f"{2:032x}", f"{3:032x}"
PROMPTLY = {"DECISION_WAIT": "900s", "DECISION_WAIT_AFTER_ROOT": "1s", "SAMPLING_PERCENTAGE": "0"}
DECISIONS = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
BY_POLICY = "otelcol_processor_tail_sampling_count_traces_sampled_total"
TOO_LARGE = "otelcol_processor_tail_sampling_traces_dropped_too_large_total"


def _kept(collector: Collector, trace: str, spans: int) -> list[otlp.Plain]:
    """Wait until this many spans of the trace have come out."""

    def found() -> list[otlp.Plain] | None:
        mine = [span for span in otlp.flat(collector.captured("traces")) if span["traceId"] == trace]
        return mine if len(mine) >= spans else None

    return eventually(found, f"{spans} spans of trace {trace}")


def test_a_long_call_is_kept_whole(run: Run) -> None:
    """Its first spans wait for its root, though other traces are decided meanwhile; then the failure keeps them all."""
    with run(**PROMPTLY) as collector:
        collector.send("traces", otlp.spans(otlp.span(KEPT, 2), otlp.span(KEPT, 3)))
        collector.send("traces", otlp.spans(otlp.span(SENTINEL, failed=True)))
        _kept(collector, SENTINEL, 1)
        assert otlp.traces(collector.captured("traces")) == {SENTINEL}
        collector.send("traces", otlp.spans(otlp.span(KEPT, 1, seconds=90.0, failed=True)))
        spans = _kept(collector, KEPT, 3)
    assert {span["attributes"]["tailsampling.policy"] for span in spans} == {"error"}


def test_a_late_span_follows_the_decision_on_its_trace(run: Run) -> None:
    """Late to a kept trace: kept. Late to a dropped one: dropped, even if it alone would have been a reason to keep."""
    with run(**PROMPTLY) as collector:
        collector.send("traces", otlp.spans(otlp.span(KEPT, failed=True), otlp.span(DROPPED)))
        eventually(lambda: collector.metric(DECISIONS, sampled="false"), "the decision to drop")
        _kept(collector, KEPT, 1)
        collector.send("traces", otlp.spans(otlp.span(KEPT, 2), otlp.span(DROPPED, 2, failed=True)))
        late = _kept(collector, KEPT, 2)[1]
    assert late["attributes"]["tailsampling.policy"] == "error"
    assert otlp.traces(collector.captured("traces")) == {KEPT}


def test_a_giant_trace_is_dropped_alone(run: Run) -> None:
    """Beyond its limit a trace is given up before it is decided on, and counted; the others are decided as ever."""
    with run(SAMPLER_TRACE_BYTES="100000", **PROMPTLY) as collector:
        giant = [otlp.span(DROPPED, number, failed=True, text="x" * 30_000) for number in range(1, 5)]
        ordinary = [otlp.span(KEPT, number, failed=True, text="x" * 30_000) for number in range(1, 4)]
        for one in (*giant, *ordinary):
            collector.send("traces", otlp.spans(one))
        _kept(collector, KEPT, 3)
        assert eventually(lambda: collector.metric(TOO_LARGE), "the count of giants") == 1
    assert otlp.traces(collector.captured("traces")) == {KEPT}


def test_memory_stays_bounded_under_traces_of_mixed_size(run: Run) -> None:
    """200 MB of traces through a limit of 160 MB: it may refuse for now, and in the end all are decided, none lost."""
    traces = [f"{number + 1:032x}" for number in range(400)]
    with run(MEMORY_LIMIT_MIB="160", MEMORY_SPIKE_MIB="40", **PROMPTLY) as collector:
        for number, trace in enumerate(traces):
            body = otlp.spans(otlp.span(trace, failed=number % 100 == 0, text="x" * (number % 10) * 110_000))
            eventually(lambda body=body: collector.send("traces", body) == 200, "the Collector to accept")
        total = lambda: (collector.metric(DECISIONS, sampled="true"), collector.metric(DECISIONS, sampled="false"))  # noqa: E731
        eventually(lambda: total() == (4, 396), "all decisions")
    assert len(otlp.traces(collector.captured("traces"))) == 4


def test_reasons_add_up_to_what_was_kept(run: Run) -> None:
    """Each kept trace is counted under one policy, though several would have kept it: the demo prints these figures."""
    spans = [
        otlp.span(f"{number + 1:032x}", failed=number < 3, seconds=30.0 if number < 5 else 0.1) for number in range(20)
    ]
    with run(**PROMPTLY) as collector:
        collector.send("traces", otlp.spans(*spans))
        eventually(lambda: collector.metric(DECISIONS) == 20, "20 decisions")
        assert collector.metric(BY_POLICY, sampled="true", policy="error") == 3
        assert collector.metric(BY_POLICY, sampled="true", policy="slow") == 2
        assert collector.metric(BY_POLICY, sampled="true") == collector.metric(DECISIONS, sampled="true") == 5


def test_shipped_values_keep_a_call_of_ninety_seconds_and_remember_decisions() -> None:
    """The wait exceeds a client's usual time-out with its export; the caches hold ten times what is undecided."""
    sampler = yaml.safe_load((CONFIGURATION / "effective" / "embedded.yaml").read_text())["processors"]["tail_sampling"]
    minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(\d+)s", sampler["decision_wait"]).groups()
    assert int(minutes or 0) * 60 + int(seconds) >= 90 + 15
    assert sampler["decision_wait_after_root_received"] == "5s"
    assert min(sampler["decision_cache"].values()) >= 10 * sampler["num_traces"]
