"""Where a real Grafana is at hand: it shows every board without an error, and answers as the translation says it does.

GRAFANA_URL is its address, as `make up` prints it. THROUGHLINE_STACK names the file of the stack behind it, which is
.run/compose/stack.env if not set. Screenshots are left in .run/grafana.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from compose import browsing
from compose.composed import REPOSITORY
from preview.datasource import prepared
from preview.example import telling
from preview.frames import Frame
from preview.intervals import interval, milliseconds_of
from preview.opening import TRACE, boards, panels, variables
from preview.searches import Moment
from preview.stack import Sources

Plain = dict[str, Any]
URL = os.environ.get("GRAFANA_URL", "").rstrip("/")
STACK = Path(os.environ.get("THROUGHLINE_STACK") or REPOSITORY / ".run" / "compose" / "stack.env")
SCREENSHOTS = REPOSITORY / ".run" / "grafana"
BOARDS = boards()
SINCE = "1h"

at_hand = pytest.mark.skipif(not URL, reason="GRAFANA_URL names no Grafana")
in_a_browser = pytest.mark.skipif(not browsing.CHROMIUM, reason="no Chromium here")


@pytest.fixture(scope="module")
def sources() -> Iterator[Sources]:
    """The stack behind Grafana, asked without it."""
    addresses = dict(line.split("=", 1) for line in STACK.read_text().splitlines() if "=" in line)
    with Sources(addresses) as sources:
        yield sources


@pytest.fixture(scope="module")
def moment() -> Moment:
    """The same for Grafana and for us: until a minute ago, so that nothing arrives between both answers."""
    end = int(time.time() * 1000) - 60_000
    return Moment(end - milliseconds_of(SINCE), end, 1)


@at_hand
@in_a_browser
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_panel_shows_something(name: str, sources: Sources, moment: Moment) -> None:
    board = BOARDS[name]
    titles = [str(panel["title"]) for panel in panels(board) if panel["type"] not in {"row", "text"}]
    defaults = [(panel.get("fieldConfig") or {}).get("defaults") or {} for panel in panels(board)]
    nothing = [each["noValue"] for each in defaults if "noValue" in each]
    chosen = {"from": f"now-{SINCE}", "to": "now", "kiosk": "", "theme": "dark"}
    if any(panel["type"] == "traces" for panel in panels(board)):
        chosen[f"var-{TRACE}"] = telling(sources, moment)
    height = 200 + 38 * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = browsing.shown(f"{URL}/d/{board['uid']}?{urlencode(chosen)}", 1600, height, SCREENSHOTS / f"{name}.png")
    assert browsing.complaints(page, titles, nothing) == []


@at_hand
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_grafana_answers_as_the_translation_does(name: str, sources: Sources, moment: Moment) -> None:
    """What all other tests of boards stand on: the same query gives the same columns, series and values."""
    chosen: dict[str, str | list[str]] = {TRACE: telling(sources, moment)}
    values = variables(BOARDS[name], sources, moment, chosen)
    for panel in panels(BOARDS[name]):
        wide = replace(moment, interval=interval(panel, moment.end - moment.start))
        for target in panel.get("targets") or ():
            if (target.get("datasource") or {}).get("type") == "elasticsearch":
                asked = prepared(target, values)
                assert _of_grafana(asked, wide) == [_told(frame) for frame in sources.answer(asked, wide)[0]], panel[
                    "title"
                ]


def _of_grafana(target: Plain, moment: Moment) -> list[Plain]:
    query = {**target, "intervalMs": moment.interval, "maxDataPoints": 1000}
    body = {"queries": [query], "from": str(moment.start), "to": str(moment.end)}
    answer = httpx.post(f"{URL}/api/ds/query", json=body, timeout=30).json()["results"][target["refId"]]
    assert answer.get("error") is None
    return [_seen(frame) for frame in answer["frames"] if frame["schema"]["fields"]]


def _seen(frame: Plain) -> Plain:
    """A frame as Grafana sends it: its name, its columns, and their values."""
    names = [field["name"] for field in frame["schema"]["fields"]]
    return {"name": frame["schema"].get("name", ""), "columns": _columns(names, frame["data"]["values"])}


def _told(frame: Frame) -> Plain:
    names, values = [each.name for each in frame.fields], [each.values for each in frame.fields]
    return {"name": frame.name, "columns": _columns(names, values)}


def _columns(names: list[str], values: list[Any]) -> dict[str, Any]:
    """Times are left to their number: one side has them as text."""
    kept = {name: each for name, each in zip(names, values, strict=True) if name not in {"@timestamp", "Time"}}
    return {name: json.loads(json.dumps([_number(value) for value in each])) for name, each in kept.items()}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


# --- what tells good from bad, on pages of our own ------------------------------------------------------------------

GOOD = (
    """<div data-testid="data-testid Panel header Calls"><h2>Calls</h2><div>60</div></div><script>"No data"</script>"""
)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (GOOD, []),
        (GOOD.replace("Calls", "Errors"), ["not drawn: Calls"]),
        (GOOD.replace("60", "No data"), ["a panel says: No data"]),
        (GOOD.replace("60", "<b> no\n prices </b>"), ["a panel says: no prices"]),
        (GOOD + '<i data-testid="data-testid Panel status error"></i>', ["a panel shows an error: Panel status error"]),
        (
            GOOD + '<i data-testid="data-testid Panel data error message"></i>',
            ["a panel shows: Panel data error message"],
        ),
    ],
)
def test_what_is_wrong_with_a_page_is_told(page: str, said: list[str]) -> None:
    assert browsing.complaints(page, ["Calls"], ["no prices"]) == said


@in_a_browser
def test_a_page_is_shown_after_its_scripts_have_run(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    script = "setTimeout(() => { document.body.innerHTML = '<p data-testid=\"Panel header Calls\">late</p>' }, 2000)"
    page.write_text(f"<!doctype html><body style='background: red'><script>{script}</script></body>")
    dom = browsing.shown(page.as_uri(), 320, 200, tmp_path / "page.png")
    assert browsing.complaints(dom, ["Calls"]) == []
    assert (tmp_path / "page.png").read_bytes()[:4] == b"\x89PNG"
