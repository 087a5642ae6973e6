"""`throughline score` over stored answers, through the real Collector into the real Elasticsearch: each score once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scores import answers
from scores.answers import GROUNDED, PASSAGE, Given, message
from scores.conftest import World
from throughline import names
from throughline.records.ownership import Ownership

pytestmark = pytest.mark.stack
SECRET = "zanzibar"
TOOL_CALL = {"role": "assistant", "parts": [{"type": "tool_call", "name": "look_up", "arguments": {}}]}
NOWHERE = "http://127.0.0.1:1"


def attributes(world: World) -> list[dict[str, Any]]:
    return [hit["_source"]["attributes"] for hit in world.evaluations().values()]


def scorers(world: World) -> list[tuple[str, str, str | None, float | None]]:
    """(name, scorer, label, value) of each, in order."""
    fields = (
        names.EVALUATION_NAME,
        names.EVALUATION_SCORER,
        names.EVALUATION_SCORE_LABEL,
        names.EVALUATION_SCORE_VALUE,
    )
    return sorted((tuple(known.get(name) for name in fields) for known in attributes(world)), key=repr)  # type: ignore[return-value, misc]


def test_each_score_is_an_evaluation_of_its_answer_with_the_answers_identity(world: World) -> None:
    (given,) = world.given(GROUNDED)
    ended = world.score("groundedness", "refusal")
    assert (ended.code, ended.err) == (0, "")
    found = {hit["_source"]["attributes"][names.EVALUATION_NAME]: hit for hit in world.evaluations().values()}
    assert found.keys() == {"groundedness", "refusal"}
    hit = found["groundedness"]
    source, known = hit["_source"], hit["_source"]["attributes"]
    assert (source["trace_id"], source["span_id"]) == (given.trace, given.span)
    assert source["event_name"] == names.EVALUATION_RESULT
    assert known[names.RECORD_ID] == hit["_id"]
    expected = {
        names.EVALUATION_SCORE_VALUE: 1.0,
        names.EVALUATION_SCORE_LABEL: "grounded",
        names.EVALUATION_SOURCE: "code",
        names.EVALUATION_SCORER: "groundedness/1",
        names.RESPONSE_ID: given.response_id,
        names.USER_ID: "ada",
        names.SESSION_ID: "s-1",
        names.CONVERSATION_ID: "c-1",
        names.PROMPT_NAME: world.prompt,
        names.PROMPT_VERSION: "3",
        names.PROMPT_VARIANT: "b",
        names.PROMPT_VARIABLES: ["passages", "question"],
        names.EXPERIMENT_NAME: "wording",
    }
    assert {name: known.get(name) for name in expected} == expected
    resource = source["resource"]["attributes"]
    assert (resource["service.name"], resource[names.DEPLOYMENT_ENVIRONMENT_NAME]) == ("throughline", "staging")


def test_a_second_run_changes_nothing(world: World) -> None:
    world.given(GROUNDED, "Elephants wander, he said.", "I'm sorry.")
    first = world.score("groundedness", "format", "--json")
    before = world.evaluations()
    assert json.loads(first.out)["new"] == len(before) == 5, "a refusal has no groundedness"
    again = world.score("groundedness", "format", "--json")
    assert (again.code, again.err) == (0, "")
    assert world.evaluations() == before
    assert (json.loads(again.out)["new"], json.loads(again.out)["known"]) == (0, 5)
    assert len(world.whole_chains()) == 1, "nor is there another chain"


def test_a_second_run_scores_what_came_since_and_by_what_is_new(world: World) -> None:
    world.given(GROUNDED)
    world.score("format")
    world.given("Elephants wander.")
    assert json.loads(world.score("format", "length", "--json").out)["new"] == 3
    assert len(world.evaluations()) == 4


@pytest.mark.parametrize("moment", ["1", "7", "60", "delivered", "noted"])
def test_killed_and_run_again_each_is_there_once_and_no_chain_has_a_hole(world: World, moment: str) -> None:
    world.given(*(f"Answer {number} is this." for number in range(60)))
    killed = world.score("format", "refusal", killed_after=moment)
    assert killed.code == -9
    ended = world.score("format", "refusal")
    assert (ended.code, ended.err) == (0, "")
    assert len(world.evaluations()) == 120
    world.whole_chains()
    assert json.loads(world.score("format", "refusal", "--json").out)["new"] == 0


def test_where_the_collector_is_away_scores_wait_for_the_next_run(world: World) -> None:
    world.given(GROUNDED)
    away = world.score("format", "--wait", "2", OTEL_EXPORTER_OTLP_ENDPOINT=NOWHERE)
    assert away.code == 3
    assert "wait in" in away.err
    assert world.evaluations() == {}
    assert world.score("format").code == 0
    assert len(world.evaluations()) == 1
    world.whole_chains()


def test_answers_scored_live_by_the_same_rule_are_left_alone(world: World) -> None:
    (live,) = world.given(GROUNDED)
    known = {
        names.EVALUATION_NAME: "groundedness",
        names.EVALUATION_SCORER: "groundedness/1",
        names.RESPONSE_ID: live.response_id,
        names.EVALUATION_SCORE_VALUE: 0.9,
    }
    document = {"@timestamp": "1781000000000.0", "trace_id": live.trace, "attributes": known}
    world.client.index(index=answers.EVALUATIONS, op_type="create", document=document, refresh=True)
    ended = json.loads(world.score("groundedness", "format", "--json").out)
    assert (ended["new"], ended["known"]) == (1, 1)
    assert [name for name, *_ in scorers(world)] == ["format"]


def test_what_cannot_be_scored_is_counted_by_why(world: World) -> None:
    output = [message("assistant", "cut off here")]
    cut = [f"{names.OUTPUT_MESSAGES}[0].parts[0].content:9000:{'0' * 64}"]
    elsewhere = [f"{names.OUTPUT_MESSAGES}:file:///x/{'0' * 64}.json:{'0' * 64}:9000"]
    for said in (
        {},
        {names.INPUT_MESSAGES: [message("user", "only the question")]},
        {names.CONTENT_SEALED: "sealed"},
        {names.CONTENT_REF: elsewhere},
        {names.OUTPUT_MESSAGES: output, names.CONTENT_TRUNCATED: cut},
        {names.OUTPUT_MESSAGES: [TOOL_CALL]},
    ):
        world.given("", said=said)
    world.given("", said={}, more={names.CONTENT_SEALED_FOR: "an auditor"})
    world.given("")
    ended = world.score("format", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["passed_over"] == {
        "without recorded content": 2,
        "sealed for an auditor": 2,
        "with content in another store": 1,
        "with an answer that was cut when it was recorded": 1,
        "without text, such as calls of tools": 1,
    }
    assert scorers(world) == [("format", "format/1", "invalid", 0.0)], "an empty answer is one"
    assert "2 passed over: sealed for an auditor" in world.score("format").out


def test_failed_calls_judges_calls_and_retrievals_are_no_answers(world: World) -> None:
    world.given(GROUNDED, more={names.ERROR_TYPE: "RateLimitError"})
    world.given(GROUNDED, more={names.JUDGING: True})
    world.given(GROUNDED, more={names.OPERATION_NAME: "embeddings"})
    ended = world.score("format")
    assert ended.code == 1
    assert "no answer matches" in ended.err


def test_groundedness_rests_on_the_prompt_where_nobody_recorded_the_passages(world: World) -> None:
    prompt = [message("system", "Answer from these."), message("user", f"[1] {PASSAGE} How long?")]
    said = {names.INPUT_MESSAGES: prompt, names.OUTPUT_MESSAGES: [message("assistant", GROUNDED)]}
    world.given("", said=said, documents=[{"id": "1", "score": 7.5}])
    world.given("", said=said, documents=None)
    assert world.score("groundedness").code == 0
    assert scorers(world) == [("groundedness", "groundedness/1+prompt", "grounded", 1.0)]
    assert json.loads(world.score("groundedness", "--json").out)["known"] == 1


def test_the_newest_come_first_and_a_share_is_always_the_same(world: World) -> None:
    given = [each for number in range(5) for each in world.given(f"{number} and that is all.")]
    assert world.score("format", "--limit", "2").code == 0
    assert {hit["_source"]["trace_id"] for hit in world.evaluations().values()} == {each.trace for each in given[-2:]}
    sampled = json.loads(world.score("refusal", "--sample", "0.5", "--json").out)
    assert sampled["new"] + sampled["passed_over"].get("outside of the sample", 0) == 5
    assert json.loads(world.score("refusal", "--sample", "0.5", "--json").out)["known"] == sampled["new"]


def test_pages_are_read_from_one_moment_and_miss_none(world: World) -> None:
    """More than two pages, many of one instant."""
    given = [Given(world.prompt, f"Answer {number} is this.", documents=None) for number in range(130)]
    answers.store(world.client, *given)
    assert json.loads(world.score("refusal", "--json").out)["answers"] == 130
    found = {hit["_source"]["trace_id"] for hit in world.evaluations().values()}
    assert found == {each.trace for each in given}


def test_a_trial_shows_the_figures_and_records_nothing(world: World) -> None:
    world.given(GROUNDED, "Cut off in the")
    ended = world.score(
        "format", "helpfulness", "--dry-run", "--judge-ask", "os:getcwd", OTEL_EXPORTER_OTLP_ENDPOINT=""
    )
    assert ended.code == 0
    assert "2 answers, 2 scores, of which nothing is recorded" in ended.out
    assert "2 that a judge would be asked for" in ended.out
    assert world.evaluations() == {}
    assert not (world.folder / "spool").exists()


def test_nothing_that_was_said_is_in_what_the_command_says(world: World) -> None:
    (world.folder / "own.py").write_text("def check(answer): raise ValueError(answer.text)\n")
    world.given(f"{SECRET} is what I say", documents=[{"id": "1", "content": SECRET}])
    world.score("groundedness", "format", "length", "json", "own:check")
    world.score("format", "--dry-run")
    assert SECRET not in "".join(world.said)
    assert SECRET not in json.dumps(attributes(world))


def test_one_run_at_a_time_has_the_spool(world: World) -> None:
    world.given(GROUNDED)
    folder = world.folder / "spool" / "scores"
    folder.mkdir(parents=True)
    held = Ownership.create(folder)
    ended = world.score("format")
    assert (ended.code, "another `throughline score` is running" in ended.err) == (2, True)
    assert world.evaluations() == {}
    held.release()
    assert world.score("format").code == 0


def test_an_interrupt_ends_it_quietly_and_the_next_run_scores_the_rest(world: World) -> None:
    world.given(*[GROUNDED] * 3)
    module = "def ends(answer):\n    raise KeyboardInterrupt\n"
    (world.folder / "mine.py").write_text(module)
    ended = world.score("mine:ends")
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert world.score("refusal").code == 0
    assert len(world.evaluations()) == 3


def test_without_a_collector_it_is_said_what_to_set(world: World) -> None:
    ended = world.score("format", OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert ended.code == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in ended.err
    assert "--dry-run" in ended.err
