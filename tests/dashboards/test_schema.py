"""Every board is as Grafana's published schema of the pinned version says, and what it says is worth something."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from dashboards import published
from dashboards.conftest import FOLDER

Plain = dict[str, Any]


def test_the_schema_is_of_the_version_that_runs() -> None:
    pinned = (FOLDER.parent / "deploy" / "compose" / ".env").read_text()
    version = published.WHOLE["$comment"].removeprefix("@grafana/schema@")
    assert f"\nGRAFANA_VERSION={version}\n" in pinned, "run tests/dashboards/schema/generate.py"
    assert version in (published.FILE.parent / "NOTICE").read_text()


def test_every_board_is_valid(board: Plain) -> None:
    assert published.objections(board) == []


def test_no_exception_is_made_that_is_not_needed(boards: dict[str, Plain]) -> None:
    needed = set().union(*map(published.passed_over, boards.values()))
    assert needed == {f"{kind}.{name}" for kind, names in published.OF_OTHER_VERSIONS.items() for name in names}


LEGEND = {"showLegend": True, "displayMode": "table", "placement": "bottom", "calcs": ["max"]}
GOOD: Plain = {
    "schemaVersion": 41,
    "title": "good",
    "panels": [
        {
            "type": "timeseries",
            "title": "lines",
            "datasource": {"type": "elasticsearch", "uid": "records"},
            "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
            "options": {
                "legend": {"showLegend": True, "displayMode": "table", "placement": "bottom", "calcs": ["max"]}
            },
            "fieldConfig": {
                "defaults": {"unit": "s", "custom": {"fillOpacity": 10}},
                "overrides": [
                    {
                        "matcher": {"id": "byName", "options": "p95"},
                        "properties": [
                            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                            {"id": "custom.lineStyle.fill", "value": "dash"},
                        ],
                    }
                ],
            },
            "targets": [
                {
                    "refId": "A",
                    "query": "*",
                    "metrics": [{"type": "count", "id": "1"}],
                    "bucketAggs": [{"type": "terms", "field": "f", "id": "2", "settings": {"size": "5"}}],
                }
            ],
        }
    ],
}


def custom(panel: Plain) -> Plain:
    return panel["fieldConfig"]["defaults"]["custom"]


def bucket(panel: Plain) -> Plain:
    return panel["targets"][0]["bucketAggs"][0]["settings"]


def broken(change: Callable[[Plain, Plain], Any]) -> list[str]:
    """What is said of the good board after a change of it and of its panel."""
    board = copy.deepcopy(GOOD)
    change(board, board["panels"][0])
    return published.objections(board)


def test_a_good_board_is_good() -> None:
    assert published.objections(GOOD) == []


MISTAKES: dict[str, Callable[[Plain, Plain], Any]] = {
    "a dashboard's option misspelt": lambda board, _: board.update(refrsh="5s"),
    "a dashboard's option of a wrong type": lambda board, _: board.update(tags="one"),
    "no schema version": lambda board, _: board.pop("schemaVersion"),
    "a panel's field misspelt": lambda _, panel: panel.update(titel="x"),
    "an option misspelt": lambda _, panel: panel["options"].update(legends={}),
    "an option within misspelt": lambda _, panel: panel["options"]["legend"].update(show=True),
    "an option of a wrong type": lambda _, panel: panel["options"]["legend"].update(showLegend="yes"),
    "an option's value that is none": lambda _, panel: panel["options"]["legend"].update(placement="top"),
    "another panel's option": lambda _, panel: panel["options"].update(graphMode="area"),
    "a unit that is none": lambda _, panel: panel["fieldConfig"]["defaults"].update(unit=1),
    "a custom setting misspelt": lambda _, panel: custom(panel).update(fillopacity=1),
    "a custom setting of a wrong type": lambda _, panel: custom(panel).update(lineWidth="1"),
    "an unknown panel": lambda _, panel: panel.update(type="graph3d"),
    "an unknown query": lambda _, panel: panel.update(datasource={"type": "loki", "uid": "x"}),
    "a metric that is none": lambda _, panel: panel["targets"][0]["metrics"][0].update(type="value_count"),
    "a bucket's setting misspelt": lambda _, panel: bucket(panel).update(limit="5"),
    "a bucket's setting of a wrong type": lambda _, panel: bucket(panel).update(size=5),
    "a query without its letter": lambda _, panel: panel["targets"][0].pop("refId"),
    "an override misspelt": lambda _, panel: override(panel, 0).update(id="colour"),
    "an override of a wrong type": lambda _, panel: override(panel, 0).update(value="red"),
    "a custom override misspelt": lambda _, panel: override(panel, 1).update(id="custom.lineStyle.full"),
    "a custom override's value that is none": lambda _, panel: override(panel, 1).update(value="wavy"),
}


def override(panel: Plain, place: int) -> Plain:
    """One of its overridden properties."""
    return panel["fieldConfig"]["overrides"][0]["properties"][place]


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_a_mistake_is_found(mistake: str) -> None:
    assert broken(MISTAKES[mistake]) != []
