"""Templates, the choice of variant, and what becomes of a question; retrieval is tested on the real Elasticsearch."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
import throughline
import yaml
from throughline_services.prompt_builder.building import Builder, Wish
from throughline_services.prompt_builder.retrieval import Passage
from throughline_services.prompt_builder.settings import PACKAGED
from throughline_services.prompt_builder.templates import Template, Templates
from throughline_services.runtime import ServiceError
from throughline_services.runtime.command import StartupError

TWO: dict[str, Any] = {
    "name": "greeting",
    "version": "2",
    "variants": [
        {"name": "a", "share": 3, "system": "A", "user": "{{ question }}"},
        {"name": "b", "share": 1, "system": "B", "user": "{{ question }}"},
    ],
}


class Corpus:
    """Two passages, and the identity under which they were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, throughline.Identity]] = []

    async def search(self, question: str, top_k: int) -> list[Passage]:
        self.asked.append((question, top_k, throughline.identity()))
        return [Passage("p1", "Claims", "Claims are paid.", 2.0), Passage("p2", "Cards", "Cards are blocked.", 1.0)]


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


@pytest.fixture
def builder(corpus: Corpus) -> Builder:
    return Builder(Templates.load(PACKAGED), corpus, "help-desk")  # type: ignore[arg-type]  # stands in for the index


def test_shipped_template_has_two_variants() -> None:
    template = Templates.load(PACKAGED).named("help-desk")
    assert {variant.name for variant in template.variants} == {"concise", "stepwise"}


def test_variant_sticks_to_the_person_and_follows_the_shares() -> None:
    template = Template.model_validate(TWO)
    people = [f"user-{number}" for number in range(2000)]
    chosen = {person: template.variant_for(person).name for person in people}
    assert {person: template.variant_for(person).name for person in people} == chosen
    assert Counter(chosen.values())["a"] == pytest.approx(1500, rel=0.05)


def test_variants_of_two_prompts_are_drawn_independently() -> None:
    one, other = Template.model_validate(TWO), Template.model_validate({**TWO, "name": "other"})
    differing = [n for n in range(1000) if one.variant_for(str(n)).name != other.variant_for(str(n)).name]
    assert 250 < len(differing) < 500


async def test_prompt_holds_the_question_and_the_numbered_passages(builder: Builder, corpus: Corpus) -> None:
    built = await builder.build(Wish("When are claims paid?", variant="concise"))
    assert built.messages["user"] == "When are claims paid?"
    assert "[1] Claims\nClaims are paid.\n\n[2] Cards\nCards are blocked." in built.messages["system"]
    assert [(asked[0], asked[1]) for asked in corpus.asked] == [("When are claims paid?", 4)]


async def test_retrieval_runs_under_the_identity_of_the_prompt(builder: Builder, corpus: Corpus) -> None:
    with throughline.identify(user_id="ana"):
        built = await builder.build(Wish("When?", top_k=2))
    ((_, top_k, identity),) = corpus.asked
    assert top_k == 2
    assert (identity.user_id, identity.prompt_name, identity.prompt_version, identity.prompt_variant) == (
        "ana",
        "help-desk",
        "1.0",
        built.variant.name,
    )


async def test_variant_is_that_of_the_user_else_of_the_session(builder: Builder) -> None:
    template = Templates.load(PACKAGED).named("help-desk")
    for number in range(8):
        with throughline.identify(user_id=f"u{number}", session_id="the same"):
            assert (await builder.build(Wish("When?"))).variant == template.variant_for(f"u{number}")
        with throughline.identify(session_id=f"s{number}"):
            assert (await builder.build(Wish("When?"))).variant == template.variant_for(f"s{number}")


async def test_question_that_looks_like_a_template_stays_text(builder: Builder) -> None:
    question = "{{ 7 * 7 }} {% for x in passages %}{{ x }}{% endfor %} <b>"
    assert (await builder.build(Wish(question))).messages["user"] == question


@pytest.mark.parametrize(
    ("wish", "code", "reason"),
    [
        (Wish(" "), "INVALID_ARGUMENT", "QUESTION_EMPTY"),
        (Wish("x" * 200_001), "INVALID_ARGUMENT", "QUESTION_TOO_LONG"),
        (Wish("When?", top_k=51), "INVALID_ARGUMENT", "TOP_K_TOO_LARGE"),
        (Wish("When?", prompt_name="other"), "NOT_FOUND", "PROMPT_UNKNOWN"),
        (Wish("When?", variant="other"), "NOT_FOUND", "VARIANT_UNKNOWN"),
    ],
)
async def test_what_cannot_be_built_is_refused_with_what_to_do(
    builder: Builder, wish: Wish, code: str, reason: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        await builder.build(wish)
    assert (refused.value.code, refused.value.reason) == (getattr(grpc.StatusCode, code), reason)
    if reason.endswith("UNKNOWN"):
        assert "help-desk" in refused.value.message or "concise, stepwise" in refused.value.message


def _folder(tmp_path: Path, **changes: Any) -> Path:
    (tmp_path / "greeting.yaml").write_text(yaml.safe_dump({**TWO, **changes}))
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"version": ""}, "version"),
        ({"variants": []}, "variants"),
        ({"colour": "red"}, "colour"),
        ({"name": "Not A Name"}, "name"),
        ({"variants": [{**TWO["variants"][0], "share": 0}]}, "share"),
        ({"variants": [{**TWO["variants"][0], "user": "{% if %}"}]}, "not a template"),
    ],
)
def test_wrong_template_file_stops_the_start_and_is_named(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(StartupError, match=complaint) as refused:
        Templates.load(_folder(tmp_path, **changes))
    assert "greeting.yaml" in str(refused.value)


def test_folder_without_templates_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no template files"):
        Templates.load(tmp_path)


@pytest.mark.parametrize("attack", ["{{ question.__class__.__mro__ }}", "{{ passages.append(1) }}", "{{ missing }}"])
def test_template_cannot_reach_beyond_its_variables(tmp_path: Path, attack: str) -> None:
    variants = [{**TWO["variants"][0], "user": attack}]
    variant = Templates.load(_folder(tmp_path, variants=variants)).named("greeting").variants[0]
    with pytest.raises(ServiceError) as refused:
        variant.render({"question": "secret", "passages": [1]})
    assert refused.value.reason == "TEMPLATE_FAILED"
    assert "secret" not in json.dumps(refused.value.message)
