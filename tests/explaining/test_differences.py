"""Two requests beside each other, without a store: what counts, what does not, and what comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from throughline import names
from throughline.cli.diff import summary
from throughline.explaining.differences import Comparison, Side, compare
from throughline.explaining.requests import Request, Step
from throughline.explaining.sections import Section

CHAT = {
    names.OPERATION_NAME: "chat",
    names.USER_ID: "ada",
    names.PROMPT_NAME: "help",
    names.PROMPT_VARIANT: "concise",
    names.REQUEST_MODEL: "small",
    names.USAGE_OUTPUT_TOKENS: 34,
    names.COST_AMOUNT: 0.1 + 0.2,
    names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "one\ntwo"}]}],
    names.OUTPUT_MESSAGES: [{"role": "assistant", "parts": [{"type": "text", "content": "yes"}]}],
}
RETRIEVAL = {
    names.OPERATION_NAME: "retrieval",
    names.RETRIEVAL_DOCUMENTS: [{"id": "a", "score": 2.0}, {"id": "b", "score": 1.0}],
}


def side(
    changes: Mapping[str, Any] | None = None,
    *,
    retrieval: Mapping[str, Any] | None = None,
    host: str = "h",
    scores: Mapping[str, Any] | None = None,
    more: tuple[Step, ...] = (),
) -> Side:
    """A request as the others are, but for what is given; None as a value takes an attribute away."""
    told = {name: value for name, value in {**CHAT, **(changes or {})}.items() if value is not None}
    found = {**RETRIEVAL, **(retrieval or {})}
    steps = (Step("retrieval", "r1", 0, 1, found), Step("chat", "r2", 1, 3, told, {"host.name": host}), *more)
    named = [{"attributes": {names.EVALUATION_NAME: name, **told}} for name, told in (scores or {}).items()]
    return Side(Request("t", steps), named)


def read(messages: Mapping[str, Any]) -> list[str]:
    (value,) = messages.values()
    return [part["content"] for message in value for part in message["parts"]]


def compared(a: Side, b: Side) -> Comparison:
    return compare(a, b, read)


def first(a: Side, b: Side) -> tuple[Section, str]:
    found = compared(a, b).differing[0]
    return found.section, found.label


def test_ids_times_and_what_a_provider_has_left_count_for_nothing() -> None:
    other = {
        names.RECORD_ID: "x",
        names.RESPONSE_ID: "y",
        names.SESSION_ID: "z",
        names.DURATION: 9.0,
        names.RATE_LIMIT_SATURATION: 0.9,
        names.CHAIN_DIGEST: "d",
        names.COST_AMOUNT: 0.3,  # as 0.1 + 0.2 is, to the last digit but one
    }
    found = compared(side(), side(other))
    assert found.differing == []
    assert summary(found) == "Alike in everything but ids and times."


@pytest.mark.parametrize(
    ("b", "section", "label"),
    [
        (side({names.USER_ID: "bob", names.PROMPT_VARIANT: "x"}), Section.IDENTITY, names.USER_ID),
        (side({names.PROMPT_VARIANT: "x", names.REQUEST_MODEL: "large"}), Section.PROMPT, names.PROMPT_VARIANT),
        (
            side({names.REQUEST_MODEL: "large"}, retrieval={names.RETRIEVAL_TOP_K: 3}),
            Section.RETRIEVAL,
            names.RETRIEVAL_TOP_K,
        ),
        (side({names.REQUEST_MODEL: "large", names.COST_AMOUNT: 9.0}), Section.MODEL, names.REQUEST_MODEL),
        (side({names.USAGE_OUTPUT_TOKENS: 35}, host="g"), Section.RESPONSE, names.USAGE_OUTPUT_TOKENS),
        (side({names.ERROR_TYPE: "Timeout"}), Section.RESPONSE, names.ERROR_TYPE),
        (side(more=(Step("execute_tool", "r3", 3, 4, {}),)), Section.PROCESSING, "step"),
        (side(scores={"grounded": {names.EVALUATION_SCORE_VALUE: 0.5}}, host="g"), Section.SCORES, "grounded"),
        (side(host="g"), Section.SERVICE, "host.name"),
    ],
)
def test_what_differs_first_is_first_in_the_order_of_the_run(b: Side, section: Section, label: str) -> None:
    assert first(side(), b) == (section, label)
    assert first(b, side()) == (section, label)


def test_messages_are_compared_line_by_line_before_the_response() -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "one\n2"}]}]
    found = compared(side(), side({names.INPUT_MESSAGES: asked, names.USAGE_OUTPUT_TOKENS: 3}))
    assert [text.diff[2:] for text in found.texts if text.diff] == [("@@ -1,2 +1,2 @@", " one", "-two", "+2")]
    assert found.differing[0].section is Section.MESSAGES
    assert summary(found) == "They differ first in messages: 2 lines of chat input.messages; then in response."


def test_passages_are_beside_each_other_by_their_ids_whatever_their_order_or_form() -> None:
    turned = json.dumps([{"id": "c", "score": 0.5}, {"id": "a", "score": 2.0}])
    found = compared(side(), side(retrieval={names.RETRIEVAL_DOCUMENTS: turned}))
    told = {row.label: (row.a, row.b) for row in found.rows if row.label.startswith("passage")}
    assert told == {"passage a": (2.0, 2.0), "passage b": (1.0, None), "passage c": (None, 0.5)}
    assert {each.label for each in found.differing} == {"passage b", "passage c"}


def test_content_that_one_side_lacks_altogether_is_no_difference_but_is_told() -> None:
    bare = side({names.INPUT_MESSAGES: None, names.OUTPUT_MESSAGES: None})
    found = compared(side(), bare)
    assert found.differing == []
    assert found.obstacles == ["only A has any: the other's was not captured, was erased, or is not yours to read"]
    assert "Not compared: content, only A has any" in summary(found)


def test_a_score_without_a_number_is_compared_by_its_label() -> None:
    a, b = (side(scores={"format": {names.EVALUATION_SCORE_LABEL: label}}) for label in ("valid", "broken"))
    (row,) = compared(a, b).differing
    assert (row.a, row.b) == ("valid", "broken")  # type: ignore[union-attr]
