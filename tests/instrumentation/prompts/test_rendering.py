"""A prompt filled in: what may be given, what a template may do, and that no error quotes what was given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.prompts.folders import Written
from throughline import prompts

SECRET = "canary-7319"


@dataclass
class Passage:
    title: str


def test_messages_hold_the_values_and_no_white_space_around_them(written: Written) -> None:
    system = "\n{% for each in passages %}\n[{{ loop.index }}] {{ each.title }}\n{% endfor %}\n\n"
    written.version(
        1,
        variables={"question": "string", "passages": "list"},
        variants={"plain": {"system": system, "user": "{{ question }}"}},
    )
    passages = [Passage("Claims"), {"title": "<b>Cards</b>"}]
    messages = written.folder.get("greeting").render(question=" When? ", passages=passages)
    assert messages == [
        {"role": "system", "content": "[1] Claims\n[2] <b>Cards</b>"},
        {"role": "user", "content": "When?"},
    ]


def test_roles_and_order_are_those_of_the_file(written: Written) -> None:
    messages = [
        {"role": "developer", "content": "Be plain."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "{{ question }}"},
    ]
    written.version(1, variants={"plain": {"messages": messages}})
    assert written.folder.get("greeting").render(question="When?") == [
        *messages[:3],
        {**messages[3], "content": "When?"},
    ]


@given(question=st.text())
def test_a_value_is_text_whatever_it_looks_like(tmp_path_factory: pytest.TempPathFactory, question: str) -> None:
    written = Written(tmp_path_factory.mktemp("given"))
    written.version(1, variants={"plain": {"user": ">{{ question }}<"}})
    (message,) = written.folder.get("greeting").render(question=question)
    assert message["content"] == f">{question}<"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "missing: question"),
        ({"question": "x", "name": SECRET}, "not declared: name"),
        ({"name": SECRET}, "missing: question; not declared: name"),
        ({"question": None}, "question is to be a value of kind string, and is a NoneType"),
        ({"question": [SECRET]}, "kind string, and is a list"),
    ],
)
def test_what_is_not_declared_missing_or_of_another_kind_is_told(
    greeting: Written, variables: dict[str, Any], told: str
) -> None:
    with pytest.raises(prompts.RenderingError, match=told) as refused:
        greeting.folder.get("greeting").render(**variables)
    assert SECRET not in str(refused.value)


KINDS = {
    "string": (["", "x"], [1, b"x", None, ["x"]]),
    "integer": ([0, -3], [True, 1.0, "1"]),
    "number": ([0, 1.5], [False, "1"]),
    "boolean": ([True, False], [0, "true"]),
    "list": ([[], ("a",)], ["ab", {"a": 1}, iter(())]),
    "object": ([{}, Passage("x")], ["x", 1, None, []]),
}


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [(kind, value, fits) for kind, both in KINDS.items() for fits, values in zip((True, False), both, strict=True)
     for value in values],
)  # fmt: skip
def test_a_kind_takes_its_values_alone(written: Written, kind: str, value: Any, fits: bool) -> None:
    written.version(1, variables={"question": kind})
    prompt = written.folder.get("greeting")
    if fits:
        assert prompt.render(question=value)
        return
    with pytest.raises(prompts.RenderingError, match=f"kind {kind}"):
        prompt.render(question=value)


ATTACKS = [
    "{{ question.__class__.__mro__ }}",
    "{{ question.append(1) }}",
    "{{ question.missing }}",
    "{{ question[question[0]] }}",
    "{{ 1 / 0 if question }}",
    "{{ ''.__class__.__base__.__subclasses__() if question }}",
    "{% for n in range(10 ** 9) %}{{ question }}{% endfor %}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_cannot_reach_beyond_its_variables_and_says_only_where_it_failed(
    written: Written, attack: str
) -> None:
    written.version(3, variables={"question": "list"}, variants={"plain": {"system": "x", "user": f"one\n{attack}"}})
    with pytest.raises(prompts.RenderingError) as refused:
        written.folder.get("greeting").render(question=[SECRET])
    assert re.fullmatch(r"greeting/3\.yaml: variants\.plain\.user: line 2 fails .*: \w+", str(refused.value))


def test_nothing_is_recorded_of_a_prompt_that_cannot_be_rendered(greeting: Written) -> None:
    entered = False
    with pytest.raises(prompts.RenderingError), greeting.folder.get("greeting").used():
        entered = True
    assert not entered
