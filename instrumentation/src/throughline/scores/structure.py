"""Checks of answers that programs read: whether they are JSON, and of the right shape. They take the place of prose's.

Both give the score `format`, as `format_valid` does for prose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from throughline.scores.answers import Answer, Check, Score

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_SHOWN: Final = 3


def json_valid(answer: Answer) -> Score:
    """Whether the whole answer is one JSON value, as RFC 8259 has it."""
    fault = _read(answer.text)[1]
    return _score(fault, "json/1")


def json_matching(schema: Mapping[str, Any]) -> Check:
    """A check that the whole answer is JSON that a JSON Schema allows; `$ref` may lead nowhere but into the schema.

    Raises ImportError where jsonschema is not installed, and ValueError for a schema that is none.
    """
    validator = _validator(schema)
    digest = hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:8]

    def json_matches(answer: Answer) -> Score:
        """Whether the answer has the shape that was asked for."""
        value, fault = _read(answer.text)
        return _score(fault or _mismatch(validator, value), f"json-schema/1+{digest}")

    return json_matches


def _validator(schema: Mapping[str, Any]) -> Validator:
    try:
        from jsonschema import SchemaError, validators
        from referencing import Registry
    except ImportError:
        raise ImportError("a check by JSON Schema needs the package jsonschema: pip install jsonschema") from None
    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except SchemaError as error:
        raise ValueError(f"this is no JSON Schema: {error.message}") from None
    registry: Registry[Any] = Registry()  # one that fetches nothing
    return kind(schema, registry=registry)


def _mismatch(validator: Validator, value: Any) -> str:
    """By which rules it fails, and where; without the value, of which the answer may be large."""
    try:
        found = [f"{each.validator} at {each.json_path}" for each in islice(validator.iter_errors(value), _SHOWN)]
    except RecursionError:
        return "the answer is nested too deeply for its schema"
    return f"the schema does not allow it: {', '.join(found)}" if found else ""


def _read(text: str) -> tuple[Any, str]:
    """The value, and what is wrong."""
    try:
        return json.loads(text, parse_constant=_no_number), ""
    except RecursionError:
        return None, "the answer is nested too deeply to be read"
    except json.JSONDecodeError as error:
        return None, f"the answer is no JSON: {error.msg} at character {error.pos}"
    except ValueError:
        return None, "the answer is no JSON: it has a number that JSON does not know, or too long a one"


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _score(fault: str, scorer: str) -> Score:
    label = "invalid" if fault else "valid"
    return Score("format", 0.0 if fault else 1.0, label, fault or "well formed", scorer)
