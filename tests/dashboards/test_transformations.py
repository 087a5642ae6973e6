"""What test_golden.py does not ask Grafana's own libraries: steps one after the other, extraction, what is unknown."""

from __future__ import annotations

from typing import Any

import pytest
from preview.frames import Field, Frame, Kind, UntranslatedError, display_names
from preview.reducers import calculated
from preview.transformations import transformed

Plain = dict[str, Any]
Table = dict[str, list[Any]]


def frame(**columns: list[Any]) -> Frame:
    """Columns of texts and of numbers."""
    kinds = {str: Kind.STRING, int: Kind.NUMBER}
    return Frame([Field(name, kinds[type(values[0])], values) for name, values in columns.items()])


PEOPLE = frame(name=["Bo", "al", "Cy"], age=[30, None, 20])


def after(*steps: Plain, of: Frame = PEOPLE) -> Table:
    """The only frame's columns, as the panel sees them."""
    found = transformed([of], steps)
    (only,) = found
    return {name: list(field.values) for name, field in zip(display_names(only, found), only.fields, strict=True)}


def test_a_renamed_field_is_found_by_its_new_name() -> None:
    rename = {"id": "organize", "options": {"renameByName": {"age": "Age"}}}
    sort = {"id": "sortBy", "options": {"sort": [{"field": "Age"}]}}
    assert after(rename, sort, {"id": "limit", "options": {"limitField": 2}}) == {
        "name": ["al", "Cy"],
        "Age": [None, 20],
    }


def test_extract_fields_of_json() -> None:
    texts = frame(id=["1", "2"], labels=['{"a": 1, "b": {"c": ["x"]}}', "not json"])
    options: Plain = {"source": "labels", "format": "json"}
    found = after({"id": "extractFields", "options": {**options, "replace": True}}, of=texts)
    assert found == {"a": [1, None], "b": [{"c": ["x"]}, None]}
    options["jsonPaths"] = [{"path": "b.c[0]", "alias": "first"}, {"path": "d"}]
    found = after({"id": "extractFields", "options": options}, of=texts)
    assert (found["first"], found["d"]) == (["x", "Not Found"], ["Not Found", "Not Found"])


@pytest.mark.parametrize(
    "step",
    [
        {"id": "histogram", "options": {}},
        {"id": "limit", "options": {}, "filter": {"id": "byRefId", "options": "A"}},
        {"id": "joinByField", "options": {"byField": "name", "mode": "sideways"}},
        {"id": "calculateField", "options": {"mode": "windowFunctions"}},
    ],
)
def test_what_is_not_translated_fails(step: Plain) -> None:
    with pytest.raises(UntranslatedError):
        transformed([PEOPLE, PEOPLE], [step])


def test_a_disabled_step_does_nothing() -> None:
    assert transformed([PEOPLE], [{"id": "histogram", "disabled": True}]) == [PEOPLE]


def test_an_unknown_calculation_fails() -> None:
    with pytest.raises(UntranslatedError, match="logmin"):
        calculated("logmin", [1])
