"""Series are put on each other as Grafana puts them, and what is between two of them is filled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imread
from preview.frames import Field, Frame, Kind
from preview.intervals import WIDTH
from preview.opening import Shown
from preview.picture import draw
from preview.searches import Moment
from preview.timelines import lines, shares

MOMENT = Moment(1_780_000_020_000, 1_780_003_620_000, 60_000)
TIMES = list(range(MOMENT.start, MOMENT.end, MOMENT.interval))


def series(name: str, values: list[float | None]) -> Frame:
    return Frame([Field("Time", Kind.TIME, TIMES[: len(values)]), Field("Value", Kind.NUMBER, values)], name)


def panel(*overrides: dict[str, Any], **custom: Any) -> dict[str, Any]:
    config = {"defaults": {"unit": "s", "custom": custom}, "overrides": [*overrides]}
    place = {"x": 0, "y": 0, "w": 24, "h": 10}
    return {"type": "timeseries", "title": "lines", "gridPos": place, "fieldConfig": config}


def test_what_is_stacked_to_the_whole_is_shown_as_its_share() -> None:
    frames = [series("a", [1, 3, None, 0]), series("b", [3, 1, 2, 0])]
    found = shares(lines(panel(stacking={"mode": "percent", "group": "A"}), frames))
    assert [line.values for line in found][1] == [0.75, 0.25, 1, 0]
    first = found[0].values
    assert first[:2] == [0.25, 0.75]
    assert math.isnan(first[2])
    assert {line.look.unit for line in found} == {"percentunit"}


def test_what_is_stacked_otherwise_keeps_its_values() -> None:
    frames = [series("a", [1, 3]), series("b", [3, 1])]
    for mode in ("none", "normal"):
        found = shares(lines(panel(stacking={"mode": mode, "group": "A"}), frames))
        assert [line.values for line in found] == [[1, 3], [3, 1]]
        assert {line.look.unit for line in found} == {"s"}


def filled(tmp_path: Path, below: str) -> float:
    """How much of the picture is of the fill's blue."""
    look = [
        {"id": "custom.fillBelowTo", "value": below},
        {"id": "custom.fillOpacity", "value": 100},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": "#0000ff"}},
    ]
    override = {"matcher": {"id": "byName", "options": "high"}, "properties": look}
    frames = [series("low", [1.0] * 60), series("high", [2.0] * 60)]
    draw({"title": "one", "panels": []}, [Shown(panel(override), frames, MOMENT, matched=1)], tmp_path / "one.png")
    pixels = imread(str(tmp_path / "one.png"))[:, :WIDTH, :3]
    return float(np.mean((pixels[:, :, 2] > 0.9) & (pixels[:, :, 0] < 0.1)))


def test_an_interval_is_filled_down_to_the_series_that_it_names(tmp_path: Path) -> None:
    assert filled(tmp_path, "low") > 0.2
    # Not down to the axis, where there is no such series.
    assert filled(tmp_path, "nothing of that name") < 0.05
