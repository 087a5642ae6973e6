"""Each panel's queries, sent to the real Elasticsearch as Grafana sends them, give the numbers that are known."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from dashboards.conftest import BOARDS, FOLDER, NEVER, Ask
from dashboards.panel_checks import ALL, CHECKS, Shown
from preview.datasource import Everything, documents, series, table
from throughline import names

pytestmark = pytest.mark.stack
PANELS = {(name, panel["title"]): panel for name, board in BOARDS.items() for panel in board["panels"]}


ASKED = {place for place, panel in PANELS.items() if panel["type"] not in {"text", "traces"}}
"""Those whose queries go to Elasticsearch; what Jaeger is asked is in test_traces.py, and a text asks nobody."""

for _board in {board for board, _ in ASKED}:
    import_module(f"dashboards.panel_checks.{_board}")


def shown(board: str, title: str, ask: Ask) -> Shown:
    """The panel of this title on the board of this name."""
    return Shown(BOARDS[board], PANELS[board, title], ask)


def test_every_panel_is_known() -> None:
    assert set(CHECKS) == ASKED


def test_no_board_has_two_panels_of_one_title() -> None:
    assert len(PANELS) == sum(len(board["panels"]) for board in BOARDS.values())


@pytest.mark.parametrize(("board", "title"), sorted(CHECKS))
def test_panel_gives_the_known_numbers(board: str, title: str, ask: Ask) -> None:
    CHECKS[board, title](shown(board, title, ask))


@pytest.mark.parametrize(("board", "title"), sorted(CHECKS))
def test_panel_is_empty_without_records(board: str, title: str, ask: Ask) -> None:
    """A panel must not say 0 s or 0 % of nothing."""
    for target in PANELS[board, title]["targets"]:
        answer = ask(BOARDS[board], target, moment=NEVER)
        if target["metrics"][0]["type"] == "raw_data":
            assert documents(answer) == {}
        elif any(bucket["type"] == "date_histogram" for bucket in target["bucketAggs"]):
            assert not any(value for points in series(target, answer).values() for _, value in points)
        else:
            assert table(target, answer) == {}


@pytest.mark.parametrize(
    ("variable", "chosen", "calls"),
    [
        ("environment", ["production"], 100),
        ("environment", ["staging"], 0),
        ("service", ["llm-caller"], 100),
        ("service", ["prompt-builder"], 0),
        ("operation", ["chat", "retrieval"], 120),
        ("operation", ALL, 120),
        ("provider", ["openai"], 70),
        ("model", ["sim-large"], 30),
        ("prompt", ["help-desk"], 90),
        ("variant", ["concise"], 45),
        ("user", ["user 3"], 18),
        ("user", ["user 3", "user 4"], 36),
        ("user", ['nobody" OR "user 3'], 0),
    ],
)
def test_a_variable_chooses(variable: str, chosen: str | list[str], calls: int, ask: Ask) -> None:
    found = shown("overview", "Calls", ask).columns(**{variable: chosen})
    assert found.get("Calls", [0]) == [calls]


def test_all_holds_calls_without_the_field(ask: Ask) -> None:
    """Ten calls have neither user nor prompt, and Grafana's usual `*` would hide them."""
    every = dict.fromkeys(("user", "prompt", "variant", "model"), ALL)
    calls = shown("overview", "Calls", ask)
    assert calls.columns(**every) == {"Calls": [100]}
    assert calls.columns(user=Everything("*")) == {"Calls": [90]}


def test_queries_name_only_fields_that_are_written() -> None:
    """The Collector's own metrics are those that its configuration lets through."""
    known_names = {value for name, value in vars(names).items() if name.isupper()}
    fields = {
        part["field"]
        for panel in PANELS.values()
        for target in panel.get("targets", ())
        for part in (*target.get("metrics", ()), *target.get("bucketAggs", ()))
        if "field" in part
    }
    own = {field for field in fields if field.startswith(("attributes.", "resource.attributes."))}
    measured = {field for field in fields if field.startswith("metrics.")}
    named = {field.removeprefix("resource.").removeprefix("attributes.") for field in own}
    named |= {field.removeprefix("metrics.") for field in measured}
    assert fields - own - measured == {"@timestamp", "event_name", "trace_id", "delivery_delay"}
    assert {name for name in named - known_names if not name.startswith("otelcol")} == LABELS
    kept = (FOLDER.parent / "collector-config" / "tiers" / "embedded.yaml").read_text()
    patterns = re.findall(r'IsMatch\(metric\.name, "([^"]+)"\)', kept)
    of_the_collector = named - LABELS - known_names
    assert of_the_collector
    assert [name for name in of_the_collector if not any(re.search(each, name) for each in patterns)] == []


LABELS = {"exporter", "data_type", "outcome", "policy", "sampled"}
"""Of the Collector's own metrics."""
