"""What becomes of a question; prompts are tested with the library, retrieval on the real Elasticsearch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import grpc
import pytest
import throughline
from throughline_services.prompt_builder.building import Builder, Wish, opened
from throughline_services.prompt_builder.retrieval import Passage
from throughline_services.prompt_builder.settings import PACKAGED, PromptBuilderSettings
from throughline_services.runtime import ServiceError
from throughline_services.runtime.command import StartupError


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


def builder_of(corpus: Corpus, **settings: Any) -> Builder:
    parsed = PromptBuilderSettings(**settings)
    return Builder(opened(parsed), corpus, parsed)  # type: ignore[arg-type]  # stands in for the index


@pytest.fixture
def builder(corpus: Corpus) -> Builder:
    return builder_of(corpus)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped prompts."""
    return Path(shutil.copytree(PACKAGED, tmp_path / "prompts"))


def test_the_shipped_prompts_are_sound_and_compare_two_wordings() -> None:
    found = throughline.prompts.look(PACKAGED)
    assert found.problems == []
    assert list(found.variants("help-desk")) == ["concise", "stepwise"]
    assert found.experiments["help-desk-wording"].shares() == {"concise": 0.5, "stepwise": 0.5}


async def test_prompt_holds_the_question_and_the_numbered_passages(builder: Builder, corpus: Corpus) -> None:
    built = await builder.build(Wish("When are claims paid?", variant="concise"))
    system, user = built.messages
    assert user == {"role": "user", "content": "When are claims paid?"}
    assert "[1] Claims\nClaims are paid.\n\n[2] Cards\nCards are blocked." in system["content"]
    assert [(asked[0], asked[1]) for asked in corpus.asked] == [("When are claims paid?", 4)]


async def test_how_many_passages_are_looked_for_is_a_setting_and_a_wish(corpus: Corpus) -> None:
    builder = builder_of(corpus, top_k=7)
    await builder.build(Wish("When?"))
    await builder.build(Wish("When?", top_k=2))
    assert [asked[1] for asked in corpus.asked] == [7, 2]


async def test_retrieval_runs_under_the_identity_of_the_prompt(builder: Builder, corpus: Corpus) -> None:
    with throughline.identify(user_id="ana"):
        built = await builder.build(Wish("When?"))
    ((_, _, identity),) = corpus.asked
    assert identity == throughline.Identity(user_id="ana", **built.prompt.identity)
    assert (identity.prompt_name, identity.experiment) == ("help-desk", "help-desk-wording")


async def test_users_are_in_the_experiment_and_who_has_no_name_gets_the_control(builder: Builder) -> None:
    variants = set()
    for number in range(20):
        with throughline.identify(user_id=f"u{number}"):
            built = await builder.build(Wish("When?"))
        variants.add((built.prompt.variant, built.prompt.experiment))
    assert variants == {("concise", "help-desk-wording"), ("stepwise", "help-desk-wording")}
    with throughline.identify(session_id="s-1"):
        built = await builder.build(Wish("When?"))
    assert (built.prompt.variant, built.prompt.experiment) == ("concise", None)


async def test_question_that_looks_like_a_template_stays_text(builder: Builder) -> None:
    question = "{{ 7 * 7 }} {% for x in passages %}{{ x }}{% endfor %} <b>"
    assert (await builder.build(Wish(question))).messages[1]["content"] == question


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
    assert "other" not in refused.value.message
    if reason.endswith("UNKNOWN"):
        assert "help-desk" in refused.value.message or "concise, stepwise" in refused.value.message


async def test_prompt_that_fails_with_this_question_is_told_without_it(folder: Path, corpus: Corpus) -> None:
    file = folder / "help-desk" / "1.yaml"
    file.write_text(file.read_text().replace("{{ passage.text }}", "{{ passage.txet }}"))
    with pytest.raises(ServiceError, match=r"line \d+ fails") as refused:
        await builder_of(corpus, prompts=folder).build(Wish("canary-5520"))
    assert refused.value.reason == "TEMPLATE_FAILED"
    assert "canary-5520" not in refused.value.message


def test_wrong_file_stops_the_start_and_is_named(folder: Path, corpus: Corpus) -> None:
    (folder / "help-desk" / "2.yaml").write_text("owner: me\n")
    with pytest.raises(StartupError, match=r"help-desk/2\.yaml: changelog: is missing"):
        builder_of(corpus, prompts=folder)


def test_folder_without_prompts_and_one_that_is_not_there_stop_the_start(tmp_path: Path, corpus: Corpus) -> None:
    with pytest.raises(StartupError, match="no prompts"):
        builder_of(corpus, prompts=tmp_path)
    with pytest.raises(StartupError, match="cannot be read"):
        builder_of(corpus, prompts=tmp_path / "nowhere")


def test_assignment_key_that_cannot_be_used_stops_the_start(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_ASSIGNMENT_KEY_FILE", "nowhere")
    with pytest.raises(StartupError, match="THROUGHLINE_ASSIGNMENT_KEY_FILE"):
        builder_of(corpus)
