"""Panels are drawn where they stand and in their colours; errors are red, and no data is grey."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from preview import theme
from preview.canvas import fitted, measured, wrapped
from preview.frames import Field, Frame, Kind
from preview.intervals import WIDTH
from preview.opening import Shown, boards
from preview.page import write_page
from preview.picture import draw
from preview.searches import Moment
from preview.stack import trace_frame

Plain = dict[str, Any]
MOMENT = Moment(1_780_000_020_000, 1_780_003_620_000, 60_000)
TIMES = list(range(MOMENT.start, MOMENT.end, MOMENT.interval))


def numbers(**columns: list[Any]) -> Frame:
    """A table of texts and numbers."""
    kinds = {str: Kind.STRING, int: Kind.NUMBER, float: Kind.NUMBER}
    return Frame([Field(name, kinds[type(values[0])], values) for name, values in columns.items()])


def over_time(name: str, values: list[float | None]) -> Frame:
    return Frame([Field("Time", Kind.TIME, TIMES[: len(values)]), Field("Value", Kind.NUMBER, values)], name)


def spans() -> Frame:
    span = {"traceID": "1", "processID": "p", "references": [], "tags": [], "startTime": 1_000_000, "duration": 2_000}
    called = {"refType": "CHILD_OF", "spanID": "a"}
    failed = {"spanID": "b", "operationName": "call", "references": [called], "tags": [{"key": "error", "value": True}]}
    trace = {"spans": [{**span, **failed}, {**span, "spanID": "a", "operationName": "ask"}]}
    return trace_frame({"refId": "A"}, [{**trace, "processes": {"p": {"serviceName": "gateway"}}}])


def placed(kind: str, x: int, frames: list[Frame], **panel: Any) -> Shown:
    """A panel of half the width, in one of two places."""
    whole = {"type": kind, "title": kind, "gridPos": {"x": x, "y": 0, "w": 12, "h": 10}, **panel}
    return Shown(whole, frames, MOMENT, matched=1)


def colours(file: Path, x: int) -> set[str]:
    """Every colour in one of the two places."""
    pixels = (imread(str(file))[:, :, :3] * 255).round().astype(int)
    half = pixels[70:, x * WIDTH // 24 : (x + 12) * WIDTH // 24]
    return {f"#{each:06x}" for each in np.unique(half @ [65536, 256, 1])}


def drawn(tmp_path: Path, *panels: Shown) -> tuple[list[Shown], Path]:
    file = tmp_path / "board.png"
    return draw({"title": "a board"}, panels, file), file


RED = {"fieldConfig": {"defaults": {"color": {"mode": "fixed", "fixedColor": "red"}}}}
THICK = {"fieldConfig": {"defaults": {"custom": {"lineWidth": 8}}}}
FIRST = theme.SERIES[0]
DRAWN: dict[str, tuple[list[Frame], Plain, str]] = {
    "stat": ([numbers(calls=[7])], {"options": {"colorMode": "background"}, **RED}, theme.colour("red")),
    "gauge": ([numbers(share=[0.7])], RED, theme.colour("red")),
    "bargauge": ([numbers(calls=[7])], RED, theme.colour("red")),
    "piechart": ([numbers(a=[3], b=[4])], {}, theme.SERIES[1]),
    "table": (
        [numbers(state=["broken"])],
        {
            "fieldConfig": {
                "defaults": {
                    "custom": {"cellOptions": {"type": "color-background"}},
                    "mappings": [{"type": "value", "options": {"broken": {"color": "red"}}}],
                }
            }
        },
        theme.colour("red"),
    ),
    "logs": ([numbers(line=["it happened"])], {}, theme.TEXT),
    "text": ([], {"options": {"content": "# Read this"}}, theme.TEXT),
    "traces": ([spans()], {}, theme.ALARM),
    "timeseries": (
        [over_time("calls", [1.0] * 60)],
        {"fieldConfig": {"defaults": {"custom": {"lineWidth": 8}}}},
        FIRST,
    ),
    "heatmap": ([over_time("0.5", [1.0] * 60), over_time("1", [5.0] * 60)], {}, "#fff5eb"),
    "barchart": ([numbers(model=["a", "b"], calls=[3, 4])], {}, FIRST),
    "histogram": ([numbers(took=[1.0, 2.0, 2.0])], RED, ""),
    "xychart": ([numbers(x=[1.0, 2.0], y=[3.0, 4.0])], {}, ""),
    "state-timeline": ([over_time("up", [1.0] * 60)], RED, theme.colour("red")),
}


@pytest.mark.parametrize("kind", sorted(DRAWN))
def test_a_panel_is_drawn_in_its_place_in_its_colours(kind: str, tmp_path: Path) -> None:
    frames, panel, colour = DRAWN[kind]
    (shown,), file = drawn(tmp_path, placed(kind, 12, frames, **panel))
    assert shown.error == ""
    empty, there = colours(file, 0), colours(file, 12)
    assert empty == {theme.PAGE}
    assert colour in there if colour else len(there) > 20


def test_every_type_of_panel_of_the_boards_can_be_drawn() -> None:
    used = {panel["type"] for board in boards().values() for panel in board["panels"]}
    assert used - {"row"} <= set(DRAWN)


def test_an_error_is_red_and_no_data_is_grey(tmp_path: Path) -> None:
    broken, empty = placed("stat", 0, []), placed("stat", 12, [])
    (one, other), file = drawn(tmp_path, replace(broken, error="it broke"), empty)
    tint = theme.mixed(theme.PANEL, theme.ALARM, 0.2)
    assert (one.error, other.error) == ("it broke", "")
    assert tint in colours(file, 0)
    assert tint not in colours(file, 12)
    assert theme.FAINT in colours(file, 12)


def test_what_cannot_be_drawn_is_an_error(tmp_path: Path) -> None:
    frames = [numbers(calls=[7])]
    strange = {"fieldConfig": {"defaults": {"color": {"mode": "fixed", "fixedColor": "mauve"}}}}
    (one, other), _ = drawn(tmp_path, placed("geomap", 0, frames), placed("stat", 12, frames, **strange))
    assert ("geomap" in one.error, "mauve" in other.error) == (True, True)


def test_bars_are_as_long_as_their_values(tmp_path: Path) -> None:
    by_row = {"options": {"reduceOptions": {"values": True}}, **RED}
    _, file = drawn(tmp_path, placed("bargauge", 0, [numbers(model=["a", "b"], calls=[10, 5])], **by_row))
    pixels = (imread(str(file))[:, :, :3] * 255).round().astype(int) @ [65536, 256, 1]
    lengths = (pixels == int(theme.colour("red")[1:], 16)).sum(axis=1)
    ((long, _), (short, _)) = sorted(Counter(lengths[lengths > 50].tolist()).most_common(2), reverse=True)
    assert short / long == pytest.approx(0.5, abs=0.02)


def test_texts_are_cut_and_wrapped_to_their_width() -> None:
    assert fitted("short", 200, 12) == "short"
    cut = fitted("a text that is much too long for that", 100, 12)
    assert cut.endswith("…")
    assert 70 < measured(cut, 12) <= 100
    lines = wrapped("one two three four five six seven", 70, 12, 3)
    assert len(lines) == 3
    assert all(measured(line, 12) <= 70 for line in lines)
    assert lines[2].endswith("…")


def test_the_page_lists_what_is_missing_and_quotes_it(tmp_path: Path) -> None:
    broken = Shown({"type": "stat", "title": "<b>"}, error="a < b")
    page = write_page(tmp_path, {"one": {"title": "One"}}, {"one": [broken, placed("stat", 0, [numbers(calls=[1])])]})
    text = page.read_text()
    assert 'src="one.png"' in text
    assert "&lt;b&gt;: error: a &lt; b" in text
    assert "stat" not in text
