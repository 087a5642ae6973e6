"""What the boards' building blocks refuse, since Grafana would show it wrongly or not at all."""

from __future__ import annotations

import pytest
from board import Board
from dashboards.conftest import Plain
from panels.figures import CALLS, ERROR_RATE, ERRORS, P95, TOKENS_IN, Figure, headings, metrics

SUM = "Sum attributes.throughline.duration"


def test_columns_are_named_as_grafana_names_them() -> None:
    both = (CALLS, ERRORS, TOKENS_IN, ERROR_RATE)
    assert list(headings({"service": "Service"}, both)) == [
        "service",
        "Count",
        SUM,
        "Sum attributes.gen_ai.usage.input_tokens",
        "Bucket Script",
    ]
    assert list(headings({}, (ERRORS, P95))) == ["Sum", "p95.0 attributes.throughline.duration"]
    other = Figure("other", "Other", "bucket_script", script="params.calls + 1")
    assert list(headings({}, (ERROR_RATE, other))) == ["params.errors / params.calls", "params.calls + 1"]


def test_two_figures_do_not_share_a_column() -> None:
    other = Figure("slow", "Slow", "sum", ERRORS.field, "_value > 1 ? 1 : 0")
    with pytest.raises(ValueError, match=f"two figures in one column: {SUM}"):
        metrics((ERRORS, other))


def test_a_script_names_the_figures_that_it_is_made_of() -> None:
    made = metrics((CALLS, ERRORS, ERROR_RATE))[-1]
    assert {variable.name: variable.pipeline_agg for variable in made.pipeline_variables} == {
        "calls": "1",
        "errors": "2",
    }


def test_a_board_has_only_variables_that_somebody_defines() -> None:
    with pytest.raises(KeyError, match="colour"):
        Board("new", "New", "", rows=(), variables=("colour",)).built()


def test_a_script_with_a_variable_in_it_is_alone(boards: dict[str, Plain]) -> None:
    """Grafana names several by their text, the variable's value included, and no panel could keep such a column."""
    for board in boards.values():
        for target in (target for panel in board["panels"] for target in panel.get("targets", [])):
            found = [each for each in target.get("metrics", ()) if each["type"] == "bucket_script"]
            scripts = [each["settings"]["script"] for each in found]
            assert len(scripts) < 2 or not any("${" in script for script in scripts)
