"""The translation answers as Grafana's own libraries of the pinned version do, as golden/generate.py wrote it down."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dashboards.conftest import FOLDER
from dashboards.golden.cases import cases
from preview.frames import Field, Frame, Kind, display_names
from preview.intervals import interval
from preview.reducers import calculated, name_of
from preview.transformations import transformed
from preview.units import written

Plain = dict[str, Any]
FILE = Path(__file__).parent / "golden" / "grafana.jsonl"
HEAD, *PAIRS = map(json.loads, FILE.read_text().splitlines())


def transform(case: Plain) -> Any:
    made = [
        Frame([Field(each["name"], Kind(each["type"]), each["values"]) for each in frame["fields"]], frame["name"])
        for frame in case["frames"]
    ]
    found = transformed(made, case["steps"])
    return [
        [[name, list(field.values)] for name, field in zip(display_names(each, found), each.fields, strict=True)]
        for each in found
    ]


def wide(case: Plain) -> int:
    """A panel of so many points, over so long a time."""
    return interval({"maxDataPoints": case["points"], "interval": case["least"]}, case["to"] - case["from"])


ANSWERS: dict[str, Callable[[Plain], Any]] = {
    "calculate": lambda case: calculated(case["calculation"], case["values"]),
    "name": lambda case: name_of(case["calculation"]),
    "write": lambda case: written(case["value"], case["unit"], case["decimals"]),
}


def plain(value: Any) -> Any:
    """As JSON can hold it, and numbers as near as arithmetic of another language comes."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity" if math.isinf(value) else round(value, 9)
    return value


def kinds(kind: str) -> list[Any]:
    """The pairs of a kind, named by what they ask."""
    named = [(json.dumps({**case, "frames": "", "kind": ""})[:100], case, answer) for case, answer in PAIRS]
    return [pytest.param(case, answer, id=name) for name, case, answer in named if case["kind"] == kind]


def test_the_answers_are_of_the_version_that_runs_and_of_these_cases() -> None:
    pinned = (FOLDER.parent / "deploy" / "compose" / ".env").read_text()
    assert f"\nGRAFANA_VERSION={HEAD['of'].removeprefix('@grafana/data@')}\n" in pinned, "run golden/generate.py"
    assert [case for case, _ in PAIRS] == json.loads(json.dumps(list(cases()))), "run golden/generate.py"


@pytest.mark.parametrize(("case", "answer"), kinds("transform"))
def test_transformations(case: Plain, answer: Any) -> None:
    assert plain(transform(case)) == plain(answer)


@pytest.mark.parametrize("kind", ["calculate", "name", "write"])
def test_numbers_and_their_texts(kind: str) -> None:
    expected = [(case, plain(answer)) for case, answer in PAIRS if case["kind"] == kind]
    assert len(expected) > 20
    assert [(case, plain(ANSWERS[kind](case))) for case, _ in expected] == expected


def test_widths_of_buckets() -> None:
    asked = [(case, answer["intervalMs"]) for case, answer in PAIRS if case["kind"] == "interval"]
    assert [(case, wide(case)) for case, _ in asked] == asked
