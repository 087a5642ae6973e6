"""`throughline score` with a judge: verdicts and failures are recorded once each, and its calls as what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import ApiError
from scores.answers import GROUNDED
from scores.conftest import World
from serving import Serving
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from throughline import names
from throughline.scores import FAITHFULNESS, HELPFULNESS

pytestmark = pytest.mark.stack
SECRET = "zanzibar"
ASKS = f"""
import json, pathlib

def ask(messages):
    material = json.loads(messages[1]["content"])
    with pathlib.Path("asked").open("a") as file:
        file.write(material["answer"] + "\\n")
    if "fail" in material["answer"] and not pathlib.Path("mended").exists():
        raise ConnectionError(material["answer"])
    return json.dumps({{"explanation": "{SECRET}, mail ada@example.com", "score": 0.25}})

async def later(messages):
    return ask(messages)
"""


def _asks(world: World) -> None:
    (world.folder / "judge.py").write_text(ASKS)


def _asked(world: World) -> list[str]:
    file = world.folder / "asked"
    return sorted(file.read_text().splitlines()) if file.exists() else []


def _found(world: World) -> list[dict[str, Any]]:
    return [hit["_source"]["attributes"] for hit in world.evaluations().values()]


@pytest.mark.parametrize("ask", ["judge:ask", "judge:later"])
def test_a_judge_is_asked_once_about_each_answer(world: World, ask: str) -> None:
    _asks(world)
    world.given(GROUNDED, "It takes ten days, says bob@example.org.")
    arguments = ("faithfulness", "--judge-ask", ask, "--judge-model", "tiny")
    ended = world.score(*arguments, "--json")
    assert ended.code == 0, ended.err
    assert _asked(world) == ["It takes ten days, says [email].", GROUNDED], "masked"
    found = _found(world)
    assert {known[names.EVALUATION_SOURCE] for known in found} == {"judge"}
    assert {known[names.EVALUATION_SCORER] for known in found} == {f"tiny/{FAITHFULNESS.full_version}"}
    assert [known[names.EVALUATION_SCORE_VALUE] for known in found] == [0.25, 0.25]
    assert {known[names.USER_ID] for known in found} == {"ada"}
    assert {known[names.PROMPT_NAME] for known in found} == {world.prompt}
    before = world.evaluations()
    assert json.loads(world.score(*arguments, "--json").out)["known"] == 2
    assert (world.evaluations(), len(_asked(world))) == (before, 2), "nobody is asked twice"
    said = "".join(world.said)
    assert SECRET not in said
    assert "bob@" not in said


def test_an_explanation_is_masked_and_stored_with_content(world: World) -> None:
    _asks(world)
    world.given(GROUNDED)
    world.score("helpfulness", "--judge-ask", "judge:ask")
    (record_id,) = world.evaluations()

    def explained() -> Any:
        query = {"ids": {"values": [record_id]}}
        hits = world.client.search(index="logs-genai.content.otel-*", query=query)["hits"]["hits"]
        return [hit["_source"]["attributes"][names.EVALUATION_EXPLANATION] for hit in hits]

    world.eventually(lambda: explained() == [f"{SECRET}, mail [email]"], "the explanation")
    assert names.EVALUATION_EXPLANATION not in _found(world)[0]


def test_a_judge_that_fails_is_told_recorded_once_and_asked_again(world: World) -> None:
    _asks(world)
    world.given(GROUNDED, f"fail with {SECRET}")
    arguments = ("helpfulness", "--judge-ask", "judge:ask")
    for _ in range(2):
        ended = world.score(*arguments)
        assert ended.code == 1
        assert "1 scores failed: 1 ConnectionError" in ended.err
        errors = [known.get(names.ERROR_TYPE) for known in _found(world)]
        assert sorted(errors, key=str) == ["ConnectionError", None]
    (world.folder / "mended").touch()
    assert world.score(*arguments).code == 0
    assert sum(names.EVALUATION_SCORE_VALUE in known for known in _found(world)) == 2
    assert world.score(*arguments).code == 0
    assert len(_found(world)) == 3
    world.whole_chains()
    assert SECRET not in "".join(world.said)


def test_a_judge_that_always_fails_ends_the_run_before_it_asked_all(world: World) -> None:
    _asks(world)
    world.given(*(f"fail {number}" for number in range(120)))
    ended = world.score("helpfulness", "--judge-ask", "judge:ask")
    assert ended.code == 3
    assert "failed 20 times in a row (ConnectionError)" in ended.err
    assert len(_asked(world)) <= 50, "one page"


@pytest.fixture
def model() -> Iterator[Serving]:
    async def answer(_request: Request) -> Response:
        said = {"role": "assistant", "content": '{"explanation": "so", "score": 1}'}
        choice = {"index": 0, "finish_reason": "stop", "message": said}
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        head = {"id": "judged-1", "object": "chat.completion", "created": 1, "model": "tiny-2026"}
        return JSONResponse({**head, "choices": [choice], "usage": usage})

    serving = Serving(answer, ["POST"])
    yield serving
    serving.close()


def test_a_judge_by_the_openai_package_is_recorded_as_one(world: World, model: Serving) -> None:
    (given,) = world.given(GROUNDED)
    variables = {"OPENAI_BASE_URL": f"http://{model.address}/v1", "OPENAI_API_KEY": "any"}
    arguments = ("helpfulness", "--judge-model", "tiny", "--json")
    ended = world.score(*arguments, **variables)
    assert ended.code == 0, ended.err
    (evaluation,) = _found(world)
    assert evaluation[names.EVALUATION_SCORER] == f"tiny/{HELPFULNESS.full_version}"
    query = {"bool": {"filter": [{"term": {"trace_id": given.trace}}, {"term": {f"attributes.{names.JUDGING}": True}}]}}

    def calls() -> list[dict[str, Any]]:
        try:
            found = world.client.search(index="logs-genai.record.otel-*", query=query)["hits"]["hits"]
        except ApiError:
            return []
        return [hit["_source"]["attributes"] for hit in found]

    world.eventually(lambda: len(calls()) == 1, "the judge's call")
    (call,) = calls()
    assert (call[names.PROMPT_NAME], call[names.USER_ID]) == ("judge-helpfulness", "ada")
    assert call[names.USAGE_INPUT_TOKENS] == 11
    assert json.loads(world.score(*arguments, **variables).out)["answers"] == 1, "its own call is no answer to judge"


def test_what_a_judge_needs_is_said(world: World) -> None:
    world.given(GROUNDED)
    for arguments, said in (
        (["helpfulness"], "--judge-model"),
        (["helpfulness", "--judge-model", "tiny"], "OPENAI_API_KEY"),
        (["helpfulness", "--judge-ask", "nowhere:ask"], "No module named 'nowhere'"),
        (["helpfulness", "--judge-ask", "os:sep"], "no function"),
        (["tone"], "there is no check 'tone'"),
        (["os:sep"], "no function"),
        (["json:nowhere.json"], "cannot be read"),
    ):
        ended = world.score(*arguments, OPENAI_API_KEY="", OPENAI_BASE_URL="")
        assert (ended.code, said in ended.err) == (2, True), (arguments, ended.err)
    assert world.evaluations() == {}
