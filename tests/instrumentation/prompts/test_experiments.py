"""Who is in an experiment and who gets the control, from start to kill; and what may not be declared."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import throughline
from instrumentation.prompts.folders import Written
from throughline import prompts
from throughline.prompts import Prompt, State, stopping

DAY = timedelta(days=1)


def asked(written: Written, count: int = 200, who: str = "user_id", **more: Any) -> list[Prompt]:
    """What so many users get."""
    found = []
    for number in range(count):
        with throughline.identify(**{who: f"u-{number}"}):
            found.append(written.folder.get("greeting", **more))
    return found


def told(found: list[Prompt]) -> set[tuple[str, str | None]]:
    return {(prompt.variant, prompt.experiment) for prompt in found}


ASSIGNED = {("plain", "wording"), ("warm", "wording")}
CONTROL = {("plain", None)}


def test_whoever_is_in_it_has_a_variant_and_the_experiment_and_keeps_both(greeting: Written) -> None:
    greeting.experiments(wording={})
    first = asked(greeting)
    assert told(first) == ASSIGNED
    greeting.version(2)
    greeting.later(1e6)
    again = asked(greeting)
    assert [prompt.variant for prompt in again] == [prompt.variant for prompt in first]
    assert {prompt.version for prompt in again} == {2}


@pytest.mark.parametrize(
    ("unit", "who"), [("user", "user_id"), ("session", "session_id"), ("conversation", "conversation_id")]
)
def test_its_unit_is_drawn_and_who_has_none_gets_the_control(greeting: Written, unit: str, who: str) -> None:
    greeting.experiments(wording={"unit": unit, "control": "warm"})
    assert told(asked(greeting, who=who)) == ASSIGNED
    for other in {"user_id", "session_id", "conversation_id"} - {who}:
        assert told(asked(greeting, who=other)) == {("warm", None)}
    prompt = greeting.folder.get("greeting")
    assert (prompt.variant, prompt.experiment) == ("warm", None)


def test_a_variant_or_an_older_version_that_is_asked_for_is_in_no_experiment(greeting: Written) -> None:
    greeting.version(2)
    greeting.experiments(wording={"control": "warm"})
    assert told(asked(greeting, variant="terse")) == {("terse", None)}
    assert told(asked(greeting, version=1)) == {("warm", None)}
    assert told(asked(greeting, version=2)) == ASSIGNED


def test_it_runs_from_its_start_until_its_stop(greeting: Written) -> None:
    begin = greeting.moment + DAY
    greeting.experiments(wording={"start": begin, "stop": (begin + DAY).isoformat()})
    states = []
    for _ in range(3):
        states.append((greeting.folder.current().state("wording", greeting.moment), told(asked(greeting, 20))))
        greeting.later(86_400)
    assert states == [(State.WAITING, CONTROL), (State.RUNNING, ASSIGNED), (State.ENDED, CONTROL)]


def test_a_kill_gives_everybody_the_control_within_a_second_and_can_be_taken_back(greeting: Written) -> None:
    greeting.experiments(wording={"control": "warm"})
    before = asked(greeting)
    prompts.stop(greeting.path, "wording", "too long")
    greeting.later()
    assert told(asked(greeting)) == {("warm", None)}
    assert greeting.folder.current().state("wording", greeting.moment) is State.STOPPED
    (stop,) = prompts.stops(greeting.path).values()
    assert stop.reason == "too long"
    assert prompts.start(greeting.path, "wording")
    assert not prompts.start(greeting.path, "wording")
    greeting.later()
    assert asked(greeting) == before


def test_a_kill_needs_no_other_file_to_be_sound_and_none_in_its_own(greeting: Written) -> None:
    greeting.experiments(wording={})
    assert told(asked(greeting)) == ASSIGNED
    greeting.text("experiments.yaml", "wording: [")
    greeting.text("greeting/1.yaml", "owner: [")
    greeting.text("stopped/wording.yaml", "")  # as `touch` makes it
    greeting.later()
    assert told(asked(greeting)) == CONTROL
    assert prompts.stops(greeting.path) == {"wording": prompts.Stop()}


def test_who_has_a_number_and_no_name_can_kill_as_well(greeting: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under any user's number."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(stopping.getpass, "getuser", unknown)
    monkeypatch.setattr(stopping.os, "getuid", lambda: 12345)
    prompts.stop(greeting.path, "wording", "it fails")
    assert prompts.stops(greeting.path)["wording"].by == "12345"


def test_stopped_by_its_declaration_is_stopped_as_well(greeting: Written) -> None:
    greeting.experiments(wording={"stopped": True})
    assert told(asked(greeting)) == CONTROL


@pytest.mark.parametrize("name", ["../greeting/1", "", "a/b", "."])
def test_a_kill_writes_nowhere_else(greeting: Written, name: str) -> None:
    with pytest.raises(prompts.PromptError, match="no name of an experiment"):
        prompts.stop(greeting.path, name, "")


def test_one_unit_is_in_one_experiment_of_a_group_at_most_and_the_rest_gets_the_control(greeting: Written) -> None:
    weights = {"plain": 1, "terse": 1}
    greeting.experiments(
        wording={"group": "tone", "share": [0.0, 0.3]},
        length={"group": "tone", "share": [0.3, 0.8], "variants": weights},
    )
    counts = Counter(prompt.experiment for prompt in asked(greeting, 3000))
    assert counts["wording"] == pytest.approx(900, rel=0.15)
    assert counts["length"] == pytest.approx(1500, rel=0.15)
    assert {prompt.variant for prompt in asked(greeting, 3000) if prompt.experiment is None} == {"plain"}


def test_stopping_one_of_a_group_moves_nobody_of_another(greeting: Written) -> None:
    greeting.experiments(wording={"group": "tone", "share": [0.0, 0.5]}, other={"group": "tone", "share": [0.5, 1.0]})
    before = asked(greeting)
    prompts.stop(greeting.path, "wording", "")
    greeting.later()
    for old, new in zip(before, asked(greeting), strict=True):
        assert new.experiment == (None if old.experiment == "wording" else "other")
        assert old.experiment == "wording" or new.variant == old.variant


def test_a_part_of_all_units_needs_no_group(greeting: Written) -> None:
    greeting.experiments(wording={"share": [0, 0.1]})
    assert 0 < sum(prompt.experiment is not None for prompt in asked(greeting, 1000)) < 200


def test_renamed_with_its_old_name_as_salt_it_moves_nobody(greeting: Written) -> None:
    greeting.experiments(wording={"share": [0, 0.5]})
    before = asked(greeting)
    greeting.experiments(tone_of_voice={"share": [0, 0.5], "salt": "wording"})
    greeting.later()
    after = asked(greeting)
    assert [prompt.variant for prompt in after] == [prompt.variant for prompt in before]
    assert {prompt.experiment for prompt in after} == {"tone-of-voice", None}


def test_an_experiment_that_fits_no_prompt_gives_the_control_and_says_why(greeting: Written) -> None:
    greeting.experiments(wording={"variants": {"plain": 1, "cold": 1}}, other={"prompt": "farewell"})
    assert told(asked(greeting)) == CONTROL
    assert [str(problem) for problem in greeting.said] == [
        "experiments.yaml: other: there is no prompt farewell: add it, or take the experiment out",
        "experiments.yaml: wording: greeting/1.yaml has no variant cold: add it there, or take it out",
    ]
    assert greeting.folder.current().state("wording", greeting.moment) is State.UNFIT


def test_a_kill_of_nothing_is_told(greeting: Written) -> None:
    greeting.experiments(wording={})
    prompts.stop(greeting.path, "wordign", "")
    assert [problem.file for problem in prompts.look(greeting.path).problems] == ["stopped/wordign.yaml"]


DISAGREEMENTS: list[tuple[dict[str, dict[str, Any]], str, str]] = [
    ({"a": {"control": "terse"}}, "a", "control is terse, which is none of its variants plain, warm"),
    ({"a": {"variants": {"plain": 1}}}, "a.variants", "at least 2"),
    ({"a": {"variants": {"plain": 0, "warm": 0}}}, "a", "every weight is 0"),
    ({"a": {"variants": {"plain": -1, "warm": 1}}}, "a.variants.plain", "greater than or equal to 0"),
    ({"a": {"variants": {"plain": float("inf"), "warm": 1}}}, "a.variants.plain", "finite"),
    ({"a": {"share": [0.5, 0.5]}}, "a", "share is no part of anything"),
    ({"a": {"share": [0, 1.5]}}, "a.share.1", "less than or equal to 1"),
    ({"a": {"share": 0.5}}, "a.share", "list"),
    ({"a": {"unit": "person"}}, "a.unit", "'user', 'session'"),
    ({"a": {"start": "2026-01-01T00:00:00"}}, "a.start", "timezone"),
    ({"a": {"start": "2026-01-02T00:00:00Z", "stop": "2026-01-01T00:00:00Z"}}, "a", "stop is not after start"),
    ({"a": {"guardrails": [{"metric": "Error rate", "worse_than": 1}]}}, "a.guardrails.0.metric", "small letters"),
    ({"a": {"guardrails": [{"metric": "cost"}]}}, "a.guardrails.0.worse_than", "is missing"),
    ({"a": {"guardrails": [{"metric": "cost", "worse_than": -1}]}}, "a.guardrails.0.worse_than", "greater than"),
    ({"a": {}, "b": {}}, "a.group", "b compares the same prompt at the same time: put both into one group"),
    ({"a": {"group": "g", "share": [0, 0.5]}, "b": {"group": "g", "share": [0.4, 1]}}, "a.share", "overlaps with"),
    ({"a": {"group": "g", "share": [0, 0.5]}, "b": {"group": "g", "share": [0.5, 1], "unit": "session"}},
     "a.unit", "is user, and that of b, of the same group, session"),
    ({"a": {"group": "g", "share": [0, 0.5]}, "b": {"group": "g", "share": [0.5, 1], "control": "warm"}},
     "a.control", "is another than that of b"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "field", "complaint"), DISAGREEMENTS)
def test_what_makes_no_sense_is_told_by_field(
    greeting: Written, declared: dict[str, dict[str, Any]], field: str, complaint: str
) -> None:
    greeting.experiments(**declared)
    found = {problem.field: problem.message for problem in prompts.look(greeting.path).problems}
    assert complaint in found[field]


def test_one_after_the_other_may_compare_the_same_prompt(greeting: Written) -> None:
    greeting.experiments(
        first={"start": "2026-11-01T00:00:00Z", "stop": "2026-11-26T12:00:00Z"},
        second={"start": "2026-11-26T13:00:00+01:00"},
    )
    assert prompts.look(greeting.path).problems == []
    assert {prompt.experiment for prompt in asked(greeting, 20)} == {"first"}
    greeting.later(86_400)
    assert {prompt.experiment for prompt in asked(greeting, 20)} == {"second"}


def test_guard_rails_are_there_for_who_watches_them(greeting: Written) -> None:
    rails = [{"metric": "error_rate", "worse_than": 0.02}, {"metric": "score:groundedness", "worse_than": 0.1}]
    greeting.experiments(wording={"guardrails": rails})
    experiment = greeting.folder.current().experiments["wording"]
    assert [(rail.metric, rail.worse_than) for rail in experiment.guardrails] == [
        ("error_rate", 0.02),
        ("score:groundedness", 0.1),
    ]
    assert experiment.shares() == {"plain": 0.5, "warm": 0.5}
