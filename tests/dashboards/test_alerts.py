"""Each alert fires on what it is for and not on what is nearly so, asked of Elasticsearch as Grafana's server asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboards.alert_cases import CASES, DAY, Case, Plain
from dashboards.conftest import BOARDS, FOLDER
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from preview.datasource import Moment, frames
from preview.evaluation import evaluate, settled
from preview.frames import Frame
from throughline import names

FILE = FOLDER / "provisioning" / "alerting" / "throughline.json"
(GROUP,) = json.loads(FILE.read_text())["groups"]
RULES: dict[str, Plain] = {rule["uid"].removeprefix("throughline-"): rule for rule in GROUP["rules"]}
FIRST = 1_700_000_000_000  # milliseconds; each case has 40 days of its own, more than any rule looks back
GRAFANA = "{{ externalURL }}"  # which ends with a slash
STEPS = ("What it means", "Look first", "What to do", "If it is no trouble")


def now(case: Case) -> int:
    return FIRST + 40 * DAY * 1000 * CASES.index(case)


def stored(case: Case) -> Iterator[Plain]:
    for one in case.documents:
        made = {key: value for key, value in one.items() if key not in ("stream", "ago", "service", "environment")}
        time = f"{now(case) - one['ago'] * 1000}.000001"
        own = {names.SERVICE_NAME: one["service"], names.DEPLOYMENT_ENVIRONMENT_NAME: one.get("environment")}
        resource = {"attributes": {name: value for name, value in own.items() if value}}
        yield {"_op_type": "create", "_index": one["stream"], "@timestamp": time, "resource": resource, **made}


@pytest.fixture(scope="module")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    """Knows every case's documents for as long as these tests run."""
    with Elasticsearch(elasticsearch) as client:
        bulk(client, [document for case in CASES for document in stored(case)], refresh=True)
        yield client
        streams = sorted({document["stream"] for case in CASES for document in case.documents})
        client.delete_by_query(index=streams, query={"match_all": {}}, refresh=True)


@pytest.mark.stack
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.told}")
def test_a_rule_fires_when_it_should_and_else_not(case: Case, client: Elasticsearch, sources: dict[str, Any]) -> None:
    def answer(query: Plain) -> list[Frame]:
        window = query["relativeTimeRange"]
        moment = Moment(now(case) - window["from"] * 1000, now(case) - window["to"] * 1000, 60_000)
        index = sources[query["datasourceUid"]]["jsonData"]["index"]
        found = client.search(index=index, body=moment.search(query["model"]), ignore_unavailable=True)
        return frames(query["model"], found.body, keep_labels=True)

    rule = RULES[case.rule]
    found = [(settled(rule, instance), tuple(instance.labels.values())) for instance in evaluate(rule, answer)]
    assert not [state for state, _ in found if state == "Error"]
    assert sorted(labels for state, labels in found if state == "Alerting") == sorted(case.fires)


def test_every_rule_has_a_case_that_fires_and_one_that_does_not() -> None:
    assert {case.rule for case in CASES if case.fires} == set(RULES)
    assert {case.rule for case in CASES if not case.fires} == set(RULES)


def test_silence_of_the_pipeline_itself_is_an_alarm() -> None:
    assert {name for name, rule in RULES.items() if rule["noDataState"] == "Alerting"} == {
        "no-records",
        "collector-silent",
    }
    assert all(rule["execErrState"] == "Error" for rule in RULES.values())


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_leads_to_its_runbook_and_board(name: str) -> None:
    told = RULES[name]["annotations"]
    assert told["board"].removeprefix(f"{GRAFANA}d/") in {board["uid"] for board in BOARDS.values()}
    text = (FOLDER / "alerts" / "runbooks" / f"{name}.md").read_text()
    assert [step for step in STEPS if f"**{step}.**" in text] == list(STEPS)
    # Grafana opens the one panel that `viewPanel` names.
    (place,) = re.findall(r"^d/throughline-runbooks\?viewPanel=panel-(\d+)$", told["runbook_url"].removeprefix(GRAFANA))
    (panel,) = (panel for panel in BOARDS["runbooks"]["panels"] if panel["id"] == int(place))
    assert panel["options"] == {"mode": "markdown", "content": text}
    assert panel["title"] == RULES[name]["title"]


def test_every_runbook_is_of_a_rule() -> None:
    assert len(BOARDS["runbooks"]["panels"]) == len(RULES)


def test_runbooks_name_only_boards_and_rules_that_there_are() -> None:
    titles = {board["title"] for board in BOARDS.values()}
    for file in (FOLDER / "alerts" / "runbooks").glob("*.md"):
        assert file.stem in RULES
        for named in re.findall(r"(?<!\*)\*([\w -]+)\*(?!\*)", file.read_text()):
            assert named in titles | set(RULES) | {"Requests"}, f"{file.stem}: {named}"


def test_nothing_in_a_rule_is_taken_for_grafanas_environment() -> None:
    """But for its queries, a provisioning file's `$NAME` is replaced by a variable of Grafana's process."""
    for rule in RULES.values():
        assert "$" not in json.dumps({key: value for key, value in rule.items() if key != "data"})
