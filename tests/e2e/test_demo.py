"""The demo as a person runs it, smaller: its checks hold, it shows what it promises, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from native.demo import Sampling, Verdict
from native.report import _checks, _verified
from native.traffic import PEOPLE, plan
from throughline import names
from throughline_services.gateway.asking import ABOUT_A_CLAIM

ASKED = 120  # fewer, and by chance the base rate may keep none


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_the_demo_ends_well_and_shows_what_it_promises(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = Path(os.environ.get("TMPDIR", "/tmp")) / f"throughline-demo-{os.getpid()}"  # noqa: S108 - see conftest
    environment = {**os.environ, "DEMO_ONCE": "1", "DEMO_REQUESTS": str(ASKED), "COLUMNS": "140"}
    environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    result = subprocess.run(
        [sys.executable, "-m", "native", "demo", "--run", run],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    shown = result.stdout
    assert "✗" not in shown
    calls = re.search(rf"(\d+) calls for {ASKED} of {ASKED} questions", shown)
    assert calls
    assert int(calls[1]) > ASKED  # an agent's questions take two
    for title in ("a slow request", "a failed request", "its record", "top prompts", "tokens by model", "the sampler"):
        assert title in shown
    assert re.search(r"kept \d+ of \d+ traces: base \d+", shown)
    assert "@example.org" not in shown
    proven = re.search(r"([\d,]+) of ([\d,]+) records in (\d+) chains are proven by signatures", shown)
    assert proven
    assert proven[1] == proven[2]
    assert int(proven[1].replace(",", "")) > 3 * ASKED  # of calls, retrievals and evaluations
    assert int(proven[3]) >= 3  # one for each service that records


def test_the_same_seed_asks_the_same() -> None:
    one, other = plan(50, "a"), plan(50, "a")
    assert one == other
    assert {ask.session_id.partition("-")[0] for ask in one} == {"a"}
    assert len({ask.user_id for ask in plan(2000, "a")}) == PEOPLE
    assert any("@example.org" in ask.question for ask in one)
    assert {ask.streamed for ask in one} == {True, False}
    assert any(ABOUT_A_CLAIM.search(ask.question) for ask in one)


class _Found:
    """A round of traffic in which everything is as it should be, until a test takes something away."""

    def __init__(self) -> None:
        self.asks, self.requests = plan(100, "a"), 100
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
    return [check.claim for check in _checks(found, sampling, records, ["t0"]) if not check.holds]  # type: ignore[arg-type]


def test_each_check_notices_what_it_is_for() -> None:
    whole, good = [_record(number) for number in range(100)], Sampling(20, 80, {"base": 10})
    assert _failing(_Found(), whole, good) == []
    lost = _failing(_Found(), whole[1:], good)
    assert "every question has the records of its model calls" in lost
    assert "the records account for every request that the model got" in lost
    assert _failing(_Found(), whole, Sampling(20, 79, {"base": 10})) == ["the sampler judged every request's trace"]
    assert _failing(_Found(), whole, Sampling(100, 0, {"base": 90})) == ["and only some of the ordinary ones"]
    anonymous = [_record(0, **{names.USER_ID: ""}), *whole[1:]]
    assert _failing(_Found(), anonymous, good) == ["who asked is on every record"]
    unkept, leaking = _Found(), _Found()
    unkept.kept, leaking.leaked = [], ["@example.org"]
    assert _failing(unkept, whole, good) == ["it kept every failed one"]
    assert _failing(leaking, whole, good) == ["and is nowhere in the clear"]
    assert _verified(Verdict(is_sound=True, records=9, proven=9, chains=3, findings=())).holds
    for unsound in (
        Verdict(is_sound=False, records=9, proven=9, chains=3, findings=("missing: 1",)),
        Verdict(is_sound=True, records=9, proven=8, chains=3, findings=()),
        Verdict(is_sound=True, records=0, proven=0, chains=0, findings=()),
    ):
        assert not _verified(unsound).holds
