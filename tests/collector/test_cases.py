"""Golden cases through the real binary: what goes in, and all that comes out. `UPDATE_CASES=1` writes what came out."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from collector import otlp
from collector.running import CONFIGURATION, eventually, running
from throughline.store.templates import KINDS

CASES = {folder.name: folder for folder in sorted(Path(__file__).with_name("cases").iterdir())}
INPUTS = {name: json.loads((folder / "input.json").read_text()) for name, folder in CASES.items()}
UNDECIDED = "900s"  # the sampler decides when the Collector stops: on whole traces, however slow the machine is
INTERNAL = {"data_stream.dataset", "elasticsearch.document_id"}
Items = list[dict[str, Any]]


def _component(file: str, processor: str) -> dict[str, Any]:
    text = (CONFIGURATION / "components" / file).read_text()
    component: dict[str, Any] = yaml.safe_load(text)["processors"][processor]
    return component


def _sent(kind: str, name: str) -> Items:
    return list(otlp.flat([json.dumps(INPUTS[name][kind])])) if kind in INPUTS[name] else []


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Items]:
    """Everything that came out for all cases together, by what it came out as."""
    folder = tmp_path_factory.mktemp("cases")
    with running(folder, DECISION_WAIT=UNDECIDED, DECISION_WAIT_AFTER_ROOT=UNDECIDED) as collector:
        for given in INPUTS.values():
            for kind in given.keys() & {"traces", "logs"}:
                assert collector.send(kind, json.dumps(given[kind]).encode()) == 200
        logs = [item for name in INPUTS for item in _sent("logs", name)]
        arrived = ("records", "other")
        eventually(lambda: sum(_count(collector.captured(name)) for name in arrived) >= len(logs), "all logs")
        said = sum(len(_expected(name).get("content", ())) for name in CASES)
        eventually(lambda: _count(collector.captured("content")) >= said, "what was said in them")
    return {name: list(otlp.flat(collector.captured(name))) for name in ("traces", "content", *arrived)}


def _expected(name: str) -> dict[str, Items]:
    path = CASES[name] / "expected.json"
    found: dict[str, Items] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _count(lines: list[str]) -> int:
    return sum(1 for _ in otlp.flat(lines))


def _of(name: str, outcome: dict[str, Items]) -> dict[str, Items]:
    """What came out for one case, in a fixed order."""
    mine = {item["traceId"] for kind in ("traces", "logs") for item in _sent(kind, name)}
    found = {kind: [item for item in items if item["traceId"] in mine] for kind, items in outcome.items()}
    return {kind: sorted(items, key=_order) for kind, items in found.items() if items}


def _order(item: dict[str, Any]) -> str:
    return str((item["traceId"], item.get("spanId", ""), json.dumps(item, sort_keys=True)))


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, outcome: dict[str, Items]) -> None:
    """All that came out for the case is all that is expected, attribute by attribute."""
    found = _of(name, outcome)
    if os.environ.get("UPDATE_CASES"):
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        (CASES[name] / "expected.json").write_text(text + "\n")
    assert found == _expected(name)


def test_every_policy_keeps_drops_and_nearly_keeps() -> None:
    """Each policy of the sampler has its case, and the case shows that policy as the reason."""
    policies = {policy["name"] for policy in _component("sampling.yaml", "tail_sampling")["policies"]}
    shown = {about["policy"]: (name, about) for name, about in _abouts() if "policy" in about}
    assert shown.keys() == policies
    for policy, (name, about) in shown.items():
        spans = json.loads((CASES[name] / "expected.json").read_text())["traces"]
        assert {span["traceId"] for span in spans} == set(about["keeps"])
        assert {span["attributes"]["tailsampling.policy"] for span in spans} == {policy}
        sent = {span["traceId"] for span in _sent("traces", name)}
        assert {*about["drops"], *about["near_misses"]} == sent - set(about["keeps"])
        assert about["drops"]
        assert about["near_misses"]


def test_every_pattern_masks_leaves_and_nearly_masks() -> None:
    """Each pattern has its case; what it masks is nowhere in the expectation, what it leaves is."""
    passes = ("redaction", "redaction/cards")
    patterns = [pattern for name in passes for pattern in _component("masking.yaml", name)["blocked_values"]]
    shown = {about["pattern"]: (name, about) for name, about in _abouts() if "pattern" in about}
    assert sorted(shown) == sorted(patterns)
    for name, about in shown.values():
        everything = _texts(json.loads((CASES[name] / "expected.json").read_text()))
        assert not [text for text in everything for masked in about["masks"] if masked in text]
        for left in (*about["leaves"], *about["near_misses"]):
            assert sum(left in text for text in everything) == 2, "once in the span, once in the record"


def test_what_proves_a_record_is_never_masked(outcome: dict[str, Items]) -> None:
    """Values that any other attribute would lose a part of come out as they went in, of record and content together."""
    passes = ("redaction", "redaction/cards")
    patterns = [pattern for name in passes for pattern in _component("masking.yaml", name)["blocked_values"]]
    (sent,) = _sent("logs", "masking-leaves-proof")
    proof = {name: value for name, value in sent["attributes"].items() if name.startswith("throughline.")}
    assert all(re.search("|".join(f"(?:{each})" for each in _go(patterns)), str(value)) for value in proof.values())
    found = _of("masking-leaves-proof", outcome)
    (record,), (content,) = found["records"], found["content"]
    came = record["attributes"] | content["attributes"]
    assert {name: came.get(name) for name in proof} == proof
    assert came["redaction.body.masked.count"] == 1
    (apart,) = (kind for kind in KINDS if kind.name == "contents")
    assert content["attributes"].keys() - INTERNAL <= apart.mapping["properties"]["attributes"]["properties"].keys()


def _go(patterns: list[str]) -> list[str]:
    """Go's patterns as Python's: a flag of one alternative is a group's."""
    return [f"(?s:{pattern.removeprefix('(?s)')})" if pattern.startswith("(?s)") else pattern for pattern in patterns]


def _abouts() -> list[tuple[str, dict[str, Any]]]:
    return [(name, given["about"]) for name, given in INPUTS.items()]


def _texts(value: object) -> list[str]:
    """Every string in it; JSON within a string is read, too."""
    match value:
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
        case str() if value.startswith(("[", "{")):
            return _texts(json.loads(value))
        case str():
            return [value]
        case _:
            return []
