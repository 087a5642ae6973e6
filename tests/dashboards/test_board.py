"""The committed JSON is what Grafana expects: up to date, complete, without a reference that leads nowhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dashboards.conftest import FOLDER, Plain
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from throughline.names import PROMPT_NAME, REQUEST_MODEL, USER_ID

CORE_PANELS = {"bargauge", "heatmap", "piechart", "stat", "table", "text", "timeseries", "traces"}
CORE_TRANSFORMATIONS = {"filterFieldsByName", "groupBy", "joinByField", "organize"}
CORE_SOURCES = {"elasticsearch", "jaeger"}
MIXED = "-- Mixed --"
BUILT_IN = re.compile(r"__(value\.raw|from|to|interval_ms)")


def leaves(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)


def lost(written: Any, read: Any, path: str) -> Iterator[str]:
    """Where what was read differs from what was written; defaults that reading added do not count."""
    match written, read:
        case dict(), dict():
            for key, value in written.items():
                yield from lost(value, read.get(key), f"{path}.{key}")
        case list(), list() if len(written) == len(read):
            for place, (one, other) in enumerate(zip(written, read, strict=True)):
                yield from lost(one, other, f"{path}[{place}]")
        case _ if written != read:
            yield path


def links(panel: Plain) -> dict[str, list[Plain]]:
    """The data links of a panel by the column or series that has them."""
    overrides = panel["fieldConfig"]["overrides"]
    return {
        override["matcher"]["options"]: item["value"]
        for override in overrides
        for item in override["properties"]
        if item["id"] == "links"
    }


@pytest.fixture
def overview(boards: dict[str, Plain]) -> dict[str, Plain]:
    """The overview's panels by their titles."""
    return {panel["title"]: panel for panel in boards["overview"]["panels"]}


def test_generated_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, FOLDER, "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_is_read_by_grafanas_own_types_without_loss(board: Plain) -> None:
    """The foundation SDK's types are generated from Grafana's schema; what they do not know, they drop."""
    register_default_plugins()
    for panel in (board := json.loads(json.dumps(board)))["panels"]:
        if panel.get("datasource", {}).get("uid") == MIXED:  # the SDK takes its type for that of each query
            del panel["datasource"]
    read = Dashboard.from_json(json.loads(json.dumps(board)))
    assert list(lost(board, json.loads(json.dumps(read, cls=JSONEncoder)), "board")) == []


def test_identities_are_fixed(boards: dict[str, Plain]) -> None:
    for name, board in boards.items():
        assert board["uid"] == f"throughline-{name}"
        assert "id" not in board
        assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    assert len({board["title"] for board in boards.values()}) == len(boards)


def test_no_panel_asks_the_store_for_more_than_it_can_draw(board: Plain) -> None:
    """A sketch of every bucket of every series took the memory of a whole Elasticsearch: of 43,000 of users 0.7 GB."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            kinds = [bucket["type"] for bucket in target.get("bucketAggs", [])]
            if "date_histogram" in kinds:
                assert panel["maxDataPoints"] <= 300, panel["title"]
            for metric in target.get("metrics", []):
                if metric["type"] == "cardinality" and {"terms", "date_histogram"} <= set(kinds):
                    assert int(metric["settings"]["precision_threshold"]) <= 100, panel["title"]


def test_needs_no_plugin_to_download(board: Plain, sources: dict[str, Plain]) -> None:
    assert {panel["type"] for panel in board["panels"]} <= CORE_PANELS
    assert {source["type"] for source in sources.values()} <= CORE_SOURCES
    steps = {step["id"] for panel in board["panels"] for step in panel.get("transformations", [])}
    assert steps <= CORE_TRANSFORMATIONS


def test_sources_are_those_provisioned(board: Plain, sources: dict[str, Plain]) -> None:
    named = [target["datasource"] for panel in board["panels"] for target in panel.get("targets", [])]
    named += [each["datasource"] for each in board["templating"]["list"] if each["type"] == "query"]
    assert all(sources[source["uid"]]["type"] == source["type"] for source in named)
    for panel in board["panels"]:
        asked = {target["datasource"]["uid"] for target in panel.get("targets", [])}
        own = panel.get("datasource", {}).get("uid")
        assert {own} == asked if len(asked) == 1 else own == (MIXED if asked else None), panel["title"]


def test_sources_refer_to_each_other_only(sources: dict[str, Plain]) -> None:
    inner = [source["jsonData"] for source in sources.values()]
    linked = [link for data in inner for link in data.get("dataLinks", [])]
    referred = {link["datasourceUid"] for link in linked if "datasourceUid" in link}
    referred |= {data["tracesToLogsV2"]["datasourceUid"] for data in inner if "tracesToLogsV2" in data}
    assert referred == {"throughline-jaeger", "throughline-records"}
    assert referred <= set(sources)


def test_a_record_leads_to_its_trace_its_request_and_others_like_it(
    boards: dict[str, Plain], sources: dict[str, Plain]
) -> None:
    ways = sources["throughline-records"]["jsonData"]["dataLinks"]
    names = {f"attributes.{name}" for name in (USER_ID, PROMPT_NAME, REQUEST_MODEL)}
    document = {"trace_id", "span_id", *names}
    reached = {link["urlDisplayLabel"]: {name for name in document if re.search(link["field"], name)} for link in ways}
    assert reached.pop("Trace") == reached.pop("Request") == {"trace_id"}
    assert sorted(len(fields) for fields in reached.values()) == [1, 1, 1]
    assert set().union(*reached.values()) == names
    for address in (urlsplit(link["url"].replace("$$", "$")) for link in ways if "datasourceUid" not in link):
        (board,) = (each for each in boards.values() if each["uid"] == address.path.removeprefix("/d/"))
        (variable,) = re.findall(r"var-(\w+)=", address.query)
        assert variable in {each["name"] for each in board["templating"]["list"]}


def test_every_variable_used_is_defined_and_every_one_defined_is_used(board: Plain) -> None:
    defined = {variable["name"] for variable in board["templating"]["list"]}
    used = set()
    for text in leaves({"panels": board["panels"], "links": board["links"], "variables": board["templating"]}):
        for plain, braced in re.findall(r"\$(\w+)|\$\{([\w.]+)(?::\w+)?\}", text):
            name = plain or braced
            if name != "__all" and not BUILT_IN.fullmatch(name):
                used.add(name)
    assert used == defined


def test_panels_tile_the_width(board: Plain) -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    height = max(y for _, y in cells) + 1
    assert sorted(cells) == [(x, y) for x in range(24) for y in range(height)]


def test_the_three_first_fill_a_screen(boards: dict[str, Plain]) -> None:
    panels = boards["overview"]["panels"]
    bottom = {panel["title"]: panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels}
    first = ("Latency", "Latency distribution", "Error rate", "Errors by type", "Top prompts")
    assert all(bottom[title] <= 24 for title in first)


def test_overrides_and_sorting_name_columns_that_the_panel_makes(board: Plain) -> None:
    for panel in board["panels"]:
        if panel["type"] != "table":
            continue
        columns = set(panel["transformations"][-1]["options"]["renameByName"].values())
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            pattern = override["matcher"]["options"]
            assert any(re.fullmatch(pattern, column) for column in columns), pattern
        assert {sort["displayName"] for sort in panel.get("options", {}).get("sortBy", [])} <= columns


def test_every_board_leads_to_the_others_and_keeps_what_is_chosen(board: Plain) -> None:
    (link,) = (link for link in board["links"] if link["type"] == "dashboards")
    assert set(link["tags"]) <= set(board["tags"])
    assert link["keepTime"]
    assert link["includeVars"]


def test_links_name_boards_and_variables_that_there_are(boards: dict[str, Plain], board: Plain) -> None:
    known = {other["uid"]: other for other in boards.values()}
    for address in (urlsplit(text) for text in leaves(board["panels"]) if text.startswith("/d/")):
        target = known[address.path.removeprefix("/d/")]
        there = {variable["name"] for variable in target["templating"]["list"]}
        here = {variable["name"] for variable in board["templating"]["list"]}
        passed = set(re.findall(r"\$\{(\w+):queryparam\}", address.query))
        assert passed <= there & here
        assert {name.removeprefix("var-") for name in re.findall(r"(var-\w+)=", address.query)} <= there
        assert {"from=${__from}", "to=${__to}"} <= set(address.query.split("&"))


def test_a_request_leads_to_its_trace(overview: dict[str, Plain], sources: dict[str, Plain]) -> None:
    request, in_grafana, in_jaeger = links(overview["Requests"])["Trace"]
    assert request["url"] == "/d/throughline-request?from=${__from}&to=${__to}&var-trace_id=${__value.raw}"
    (pane,) = json.loads(parse_qs(urlsplit(in_grafana["url"]).query)["panes"][0]).values()
    assert sources[pane["datasource"]]["type"] == "jaeger"
    assert [query["query"] for query in pane["queries"]] == ["${__value.raw}"]
    assert in_jaeger["url"] == "${jaeger_page}/trace/${__value.raw}"


def test_a_request_leads_to_its_record(overview: dict[str, Plain], sources: dict[str, Plain]) -> None:
    link, _ = links(overview["Requests"])["Record"]
    (pane,) = json.loads(parse_qs(urlsplit(link["url"]).query)["panes"][0]).values()
    assert sources[pane["datasource"]]["jsonData"]["index"] == "logs-genai.record.otel-*"
    (query,) = pane["queries"]
    assert query["query"] == 'attributes.throughline.record.id:"${__value.raw}"'
    assert query["metrics"] == [{"id": "1", "type": "logs"}]
    assert pane["range"] == {"from": "${__from}", "to": "${__to}"}


def test_a_request_leads_to_what_was_said(overview: dict[str, Plain], sources: dict[str, Plain]) -> None:
    both = links(overview["Requests"])["Record"]
    record, said = (json.loads(parse_qs(urlsplit(link["url"]).query)["panes"][0]) for link in both)
    (pane,), (other,) = said.values(), record.values()
    assert sources[pane["datasource"]]["jsonData"]["index"] == "logs-genai.content.otel-*"
    assert [query["query"] for query in pane["queries"]] == [query["query"] for query in other["queries"]]


def test_a_request_leads_to_others_of_its_user_prompt_and_model(overview: dict[str, Plain]) -> None:
    ways = links(overview["Requests"])
    for heading, variable in (("User", "user"), ("Prompt", "prompt"), ("Model", "model")):
        addresses = [urlsplit(link["url"]) for link in ways[heading]]
        assert [address.path for address in addresses] == ["/d/throughline-overview", "/d/throughline-audit"]
        # A name may hold an ampersand, which Grafana leaves as it is unless it is told.
        assert all(address.query.endswith(f"&var-{variable}=${{__value.raw:percentencode}}") for address in addresses)


def test_trace_and_record_columns_hold_the_ids(overview: dict[str, Plain]) -> None:
    named = overview["Requests"]["transformations"][-1]["options"]["renameByName"]
    assert named["trace_id"] == "Trace"
    assert named["attributes.throughline.record.id"] == "Record"


def test_a_latency_point_leads_to_the_requests_behind_it(boards: dict[str, Plain], overview: dict[str, Plain]) -> None:
    for series, (link,) in links(overview["Latency percentiles"]).items():
        address = urlsplit(link["url"])
        assert address.path == "/d/throughline-overview", series
        assert address.query.endswith("&var-slower_than=${__value.raw}")
        chosen = set(re.findall(r"\$\{(\w+):queryparam\}", address.query))
        variables = boards["overview"]["templating"]["list"]
        assert chosen == {each["name"] for each in variables if each["type"] == "query"}
