"""The demo as a person runs it: its checks hold, it shows what it promises, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from native import checks, dashboards, planted
from native.commands import Done
from native.demo import Sampling, Verdict
from native.traffic import PEOPLE, Ask, Outcome, plan
from throughline import names
from throughline.prices import Prices
from throughline_services.gateway.asking import ABOUT_A_CLAIM
from throughline_services.simulator.models import PROFILES

ASKED = 400  # as many as the demo asks by default: fewer would not tell the variants apart


@pytest.mark.stack
@pytest.mark.timeout(480)
def test_the_demo_ends_well_and_shows_what_it_promises() -> None:
    run = Path(os.environ.get("TMPDIR", "/tmp")) / f"throughline-demo-{os.getpid()}"  # noqa: S108 - see conftest
    environment = {**os.environ, "DEMO_ONCE": "1", "COLUMNS": "140"}
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "DEMO_REQUESTS"):
        environment.pop(name, None)
    result = subprocess.run(
        [sys.executable, "-m", "native", "demo", "--run", run],
        env=environment, capture_output=True, text=True, timeout=460, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-9000:] + result.stderr[-2000:]
    shown = re.sub(r"\s+", " ", result.stdout)
    assert "✗" not in shown
    calls = re.search(rf"(\d+) calls for {ASKED} of {ASKED} questions", shown)
    assert calls
    assert int(calls[1]) > ASKED  # an agent's questions take two
    for title in ("a slow request", "a failed request", "its record", "top prompts", "tokens by model", "the sampler"):
        assert title in shown
    assert re.search(r"kept \d+ of \d+ traces: base \d+", shown)
    assert "@example.org" not in shown
    _finds_what_was_planted(shown)
    proven = re.search(r"([\d,]+) of ([\d,]+) records in (\d+) chains are proven by signatures", shown)
    assert proven
    assert proven[1] == proven[2]
    assert int(proven[1].replace(",", "")) > 3 * ASKED  # of calls, retrievals and evaluations
    assert int(proven[3]) >= 4  # one for each service that records, and the operator's own


def _finds_what_was_planted(shown: str) -> None:
    rating = re.search(
        r"stepwise is better: rating \+(0\.\d\d) \[([+-]0\.\d\d), \+(0\.\d\d)\].{0,20} planted \+0", shown
    )
    assert rating
    assert float(rating[2]) > 0
    assert re.search(r"wordings compared concise stepwise difference .* user rating 0\.\d+ 0\.\d+ \+0\.\d+", shown)
    assert "What sets it apart: chat model = sim-large" in shown
    assert re.search(r"chat, waiting; chat model = sim-large, slow in \d+% of its \d+ requests, \d+% elsewhere", shown)
    assert re.search(r"every panel of every dashboard has something to show \(\d\d+ panels on \d boards\)", shown)


def test_the_same_seed_asks_the_same() -> None:
    one, other = plan(50, "a"), plan(50, "a")
    assert one == other
    assert {ask.session_id.partition("-")[0] for ask in one} == {"a"}
    assert len({ask.user_id for ask in plan(2000, "a")}) == PEOPLE + 1
    assert [ask.user_id for ask in one].count(planted.LEAVER) == planted.LEAVER_ASKS
    assert len({ask.conversation_id for ask in one}) == len(one)
    assert any("@example.org" in ask.question for ask in one)
    assert {ask.streamed for ask in one} == {True, False}
    assert any(ABOUT_A_CLAIM.search(ask.question) for ask in one)


def test_enough_people_ask_of_what_is_planted() -> None:
    asks = plan(ASKED, "a")
    assert len({ask.user_id for ask in asks}) >= 120
    assert {ask.model for ask in asks} <= set(PROFILES)
    assert planted.SLOW_MODEL in {ask.model for ask in asks if ask.streamed}
    assert planted.UNANSWERABLE in {ask.question for ask in asks}
    moods = [ask.mood for ask in asks if ask.mood is not None]
    assert len(moods) / ASKED == pytest.approx(planted.RATED, abs=0.06)
    assert 0 <= min(moods) < 0.05 < 0.95 < max(moods) < 1


def test_who_got_no_answer_rates_none() -> None:
    ask = Ask("?", "ada", "s", "c", "sim-small", streamed=True, mood=0.1)
    assert Outcome(ask, "t", answer="Yes.").is_rated
    assert not Outcome(ask, "t", reason="RATE_LIMITED").is_rated
    assert not Outcome(Ask("?", "ada", "s", "c", "sim-small", streamed=True), "t", answer="Yes.").is_rated


def test_every_simulated_model_has_a_price() -> None:
    prices = Prices.load(planted.PRICES)
    for model in PROFILES:
        counts = {"input_tokens": 1_000_000, "output_tokens": 1_000, "cache_read_tokens": 0, "reasoning_tokens": 0}
        cost = prices.cost("openai", model, **counts, cache_creation_tokens=0, at=1.8e9, address="127.0.0.1")
        assert cost is not None
        assert cost.amount > 0


class _Found:
    """A round of traffic in which everything is as it should be, until a test takes something away."""

    def __init__(self) -> None:
        self.asks, self.requests, self.traces = plan(100, "a"), 100, 150
        self.kept, self.leaked = ["t0"], list[str]()

    def kept_traces(self, _failed: list[str]) -> list[str]:
        return self.kept

    def leaks(self) -> list[str]:
        return self.leaked


def _record(number: int, **more: Any) -> dict[str, Any]:
    variant = "concise" if number % 2 else "stepwise"
    attributes = {names.USER_ID: "ada", names.PROMPT_VARIANT: variant, names.MASK_KINDS: ["email:1"], **more}
    return {"trace_id": f"t{number}", "attributes": attributes}


def _failing(found: _Found, records: list[dict[str, Any]], sampling: Sampling) -> list[str]:
    made = checks.of_records(found, sampling, records, ["t0"])  # type: ignore[arg-type]
    return [check.claim for check in made if not check.holds]


def test_each_check_notices_what_it_is_for() -> None:
    whole, good = [_record(number) for number in range(100)], Sampling(50, 100, {"base": 10})
    assert _failing(_Found(), whole, good) == []
    lost = _failing(_Found(), whole[1:], good)
    assert "every question has the records of its model calls" in lost
    assert "the records account for every request that the model got" in lost
    assert _failing(_Found(), whole, Sampling(50, 99, {"base": 10})) == ["the sampler judged every trace"]
    assert _failing(_Found(), whole, Sampling(150, 0, {"base": 90})) == ["and only some of the ordinary ones"]
    anonymous = [_record(0, **{names.USER_ID: ""}), *whole[1:]]
    assert _failing(_Found(), anonymous, good) == ["who asked is on every record"]
    unkept, leaking = _Found(), _Found()
    unkept.kept, leaking.leaked = [], ["@example.org"]
    assert _failing(unkept, whole, good) == ["it kept every failed one"]
    assert _failing(leaking, whole, good) == ["and is nowhere in the clear"]


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(is_sound=False, records=9, proven=9, chains=3, findings=("missing: 1",)),
        Verdict(is_sound=True, records=9, proven=8, chains=3, findings=()),
        Verdict(is_sound=True, records=0, proven=0, chains=0, findings=()),
    ],
)
def test_evidence_that_is_not_whole_is_noticed(verdict: Verdict) -> None:
    assert checks.verified(Verdict(is_sound=True, records=9, proven=9, chains=3, findings=())).holds
    assert not checks.verified(verdict).holds


def test_what_the_collector_did_not_mask_is_noticed() -> None:
    assert checks.let_through([{"attributes": {names.MASK_SECOND_PASS: 1}}]).holds
    assert not checks.let_through([]).holds


IN_JAEGER = "left: 2 traces that Jaeger has in memory"


@pytest.mark.parametrize(
    ("done", "still_named"),
    [
        (Done(1, f"{IN_JAEGER}\nleft: 1 records name him", ""), 0),
        (Done(1, "", "error: something else"), 0),
        (Done(3, IN_JAEGER, "error: Elasticsearch does not answer"), 0),
        (Done(1, IN_JAEGER, ""), 2),
    ],
)
def test_a_person_of_whom_something_is_left_is_noticed(done: Done, still_named: int) -> None:
    assert checks.erased(Done(1, IN_JAEGER, "error: not all of it is gone"), 0).holds
    assert checks.erased(Done(0, "nothing readable of this person is left", ""), 0).holds
    assert not checks.erased(done, still_named).holds


def test_a_panel_without_data_is_named() -> None:
    panels = {"audit": 12, "models": 30}
    assert checks.boards(panels, []).found == "42 panels on 2 boards"
    bare = checks.boards(panels, ["audit: Retention: no data"])
    assert (bare.holds, bare.found) == (False, "audit: Retention: no data")
    assert not checks.boards({}, []).holds


def test_panels_are_counted_but_for_rows_and_texts(tmp_path: Path) -> None:
    row = {"type": "row", "panels": [{"type": "table"}, {"type": "text"}]}
    (tmp_path / "one.json").write_text(json.dumps({"panels": [{"type": "stat"}, row, {"type": "row"}]}))
    (tmp_path / "two.json").write_text(json.dumps({"panels": [{"type": "text"}]}))
    assert dashboards.panels(tmp_path) == {"one": 2}
