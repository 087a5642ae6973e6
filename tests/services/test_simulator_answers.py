"""How the simulator composes answers and fits values to schemas."""

from __future__ import annotations

from typing import Any

import pytest
from throughline_services.simulator.answers import answer
from throughline_services.simulator.schema import instance

PASSAGES = """Some rule about claims that is no passage.

[1] Claims
Claims are paid on Friday. A claim needs an invoice.

[2] Cards
A card is blocked in the app. The card is valid for five years."""


def test_rules_before_the_passages_are_not_quoted() -> None:
    assert "rule" not in answer([PASSAGES], "Is there a rule about claims?", 5)


def test_sentences_are_as_many_as_wanted_in_the_order_of_the_passages() -> None:
    assert answer([PASSAGES], "claim or card?", 3) == (
        "Claims are paid on Friday. [1] A claim needs an invoice. [1] A card is blocked in the app. [2]"
    )


def test_numbered_steps_are_numbered() -> None:
    text = answer([PASSAGES + "\n\nUse numbered steps."], "How do I block my card?", 2)
    assert text == "1. A card is blocked in the app. [2]\n2. The card is valid for five years. [2]"


def test_personal_data_of_the_question_is_repeated_for_something_to_be_masked() -> None:
    assert answer([PASSAGES], "Send claims to ana@example.com please", 1).endswith(
        "I have noted ana@example.com for the reply."
    )
    assert "noted" not in answer([PASSAGES], "When are claims paid in 2026?", 1)


def test_without_any_passages_it_says_what_it_is() -> None:
    assert "simulated" in answer([], "Hello?", 3)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "maxLength": 3}, "tex"),
        ({"type": "integer"}, 1),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 4}, 4),
        ({"type": ["null", "string"]}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "object"}, {}),
        (
            {"$defs": {"Inner": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/Inner"}}, "type": "object"},
            {"a": 1},
        ),
    ],
)
def test_instance_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert instance(schema, "text") == value
