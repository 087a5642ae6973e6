"""`throughline prompts` and `throughline experiments`, as a person and a script run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import throughline
from cli.conftest import Run
from instrumentation.prompts.folders import Written
from throughline.prompts import State


@pytest.fixture
def greeting(tmp_path: Path) -> Written:
    """A folder with one prompt of three wordings."""
    written = Written(tmp_path / "prompts")
    written.version(1)
    return written


@pytest.fixture
def here(greeting: Written) -> dict[str, Any]:
    """The variable that names the folder, with an experiment in it."""
    greeting.experiments(wording={"share": [0, 0.4], "guardrails": [{"metric": "error_rate", "worse_than": 0.02}]})
    return {"THROUGHLINE_PROMPTS": str(greeting.path)}


def test_lists_prompts_with_versions_variants_owner_and_latest_change(
    run: Run, greeting: Written, here: dict[str, Any]
) -> None:
    greeting.version(2, changelog="Is kinder.\x1b[2J")
    listed = run("prompts", **here)
    assert listed.code == 0
    for word in ("greeting", "1, 2", "plain, warm, terse", "the help desk", "Is kinder."):
        assert word in listed.out
    assert "\x1b[2J" not in listed.out
    (line,) = run("prompts", "--json", **here).lines
    assert (line["prompt"], line["versions"], line["variants"]) == ("greeting", [1, 2], ["plain", "warm", "terse"])


def test_check_lists_every_mistake_and_fails(run: Run, greeting: Written, here: dict[str, Any]) -> None:
    sound = run("prompts", "check", **here)
    assert (sound.code, sound.err) == (0, "")
    greeting.version(2, owner="", colour="red")
    greeting.version(1, name="other", variables={}, variants={"a": {"user": "{{ x }}"}})
    found = run("prompts", "check", **here)
    assert found.code == 1
    assert [line.partition(": ")[0] for line in found.out.splitlines()] == [
        "greeting/2.yaml", "greeting/2.yaml", "other/1.yaml",
    ]  # fmt: skip
    places = [(line["file"], line["field"]) for line in run("prompts", "check", "--json", **here).lines]
    assert places[0] == ("greeting/2.yaml", "colour")
    assert "3 problems" in run("prompts", **here).err


def test_what_people_write_is_shown_as_it_is_whatever_it_would_mean_to_a_terminal(
    run: Run, greeting: Written, here: dict[str, Any]
) -> None:
    greeting.version(1, owner="[/] [red]team", changelog="[/bold] said", **{"\x1b[2Jkey": 1})
    checked = run("prompts", "check", **here)
    assert "\ufffd[2Jkey: is unknown" in checked.out
    assert "\ufffd[2Jkey: is unknown" in run("prompts", "show", "greeting", **here).err
    greeting.version(1, owner="[/] [red]team", changelog="[/bold] said")
    assert "[/] [red]team" in " ".join(run("prompts", **here).out.split())
    run("experiments", "stop", "wording", "--reason", "[/] too [red]long", **here)
    assert "[/] too [red]long" in " ".join(run("experiments", **here).out.split())


def test_shows_a_prompt_as_it_is_written_and_as_a_model_gets_it(run: Run, here: dict[str, Any]) -> None:
    written = run("prompts", "show", "greeting", **here)
    assert written.code == 0
    assert "Be plain." in written.out
    assert "{{ question }}" in written.out
    rendered = run("prompts", "show", "greeting", "--variant", "warm", "--var", "question=a=b", "--json", **here)
    (line,) = rendered.lines
    assert line["messages"] == [{"role": "system", "content": "Be warm."}, {"role": "user", "content": "a=b"}]


def test_values_of_other_kinds_are_json(run: Run, greeting: Written, here: dict[str, Any]) -> None:
    greeting.version(2, variables={"question": "list"}, variants={"plain": {"user": "{{ question | length }}"}})
    shown = run("prompts", "show", "greeting", "--var", "question=[1, 2]", "--json", **here)
    assert shown.lines[0]["messages"] == [{"role": "user", "content": "2"}]
    assert run("prompts", "show", "greeting", "--var", "question=two", **here).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("prompts", "show", "farewell"), 1, "greeting"),
        (("prompts", "show", "greeting", "--version", "7"), 1, "there are 1"),
        (("prompts", "show", "greeting", "--variant", "cold"), 1, "plain, warm, terse"),
        (("prompts", "show", "greeting", "--var", "qestion=x"), 2, "missing: question; not declared: qestion"),
        (("prompts", "show", "greeting", "--var", "question"), 2, "--var NAME=VALUE"),
        (("prompts", "--folder", "nowhere"), 2, "--folder"),
        (("experiments", "stop", "wordign"), 1, "wording"),
        (("experiments", "start", "wordign"), 1, "wording"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_can(
    run: Run, here: dict[str, Any], arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = run(*arguments, **here)
    assert ended.code == code
    assert told in ended.err
    assert ended.out == ""


def test_without_a_folder_it_says_how_to_name_one(run: Run) -> None:
    ended = run("prompts", THROUGHLINE_PROMPTS="")
    assert ended.code == 2
    assert "THROUGHLINE_PROMPTS" in ended.err


def test_the_folder_may_stand_on_either_side_of_the_subcommand(run: Run, greeting: Written) -> None:
    for arguments in (("--folder", str(greeting.path), "check"), ("check", "--folder", str(greeting.path))):
        assert run("prompts", *arguments, THROUGHLINE_PROMPTS="").code == 0


def test_lists_experiments_with_state_and_shares(run: Run, here: dict[str, Any]) -> None:
    listed = run("experiments", **here)
    for word in (
        "wording",
        "greeting",
        "running",
        "plain 50% (control), warm 50%",
        "40% of users",
        "error_rate by 0.02",
    ):
        assert word in " ".join(listed.out.split())
    (line,) = run("experiments", "--json", **here).lines
    assert (line["state"], line["share"], line["stopped"]) == ("running", [0.0, 0.4], None)


def test_stops_and_starts_one_and_running_processes_follow_within_a_second(
    run: Run, greeting: Written, here: dict[str, Any]
) -> None:
    def state() -> State:
        greeting.later()
        return greeting.folder.current().state("wording", greeting.moment)

    assert state() is State.RUNNING
    assert run("experiments", "stop", "wording", "--reason", "answers are too long", **here).code == 0
    assert state() is State.STOPPED
    with throughline.identify(user_id="ada"):
        assert greeting.folder.get("greeting").experiment is None
    (line,) = run("experiments", "--json", **here).lines
    assert (line["state"], line["stopped"]["reason"]) == ("stopped", "answers are too long")
    assert run("experiments", "start", "wording", **here).code == 0
    assert state() is State.RUNNING
    assert "was not stopped" in run("experiments", "start", "wording", **here).out


def test_what_a_file_stops_only_that_file_starts(run: Run, greeting: Written, here: dict[str, Any]) -> None:
    greeting.experiments(wording={"stopped": True})
    ended = run("experiments", "start", "wording", **here)
    assert ended.code == 1
    assert "stopped: true" in ended.err


def test_a_folder_that_cannot_be_written_is_told(run: Run, greeting: Written, here: dict[str, Any]) -> None:
    greeting.text("stopped", "a file where a folder should be")
    ended = run("experiments", "stop", "wording", **here)
    assert ended.code == 2
    assert "experiments.yaml" in ended.err
