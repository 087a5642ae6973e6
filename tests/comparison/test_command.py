"""`throughline compare` as it is run, on planted differences in a real Elasticsearch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from comparison.conftest import Run
from comparison.planted import START, Document, Plant, Requests
from elasticsearch import Elasticsearch
from throughline import names
from throughline.cli import compare as command
from throughline.store.reports import STREAM

pytestmark = pytest.mark.stack

Write = Callable[..., None]


def test_the_planted_differences_are_said_first_and_in_the_table(run: Run, help_desk: Requests) -> None:
    ended = run(help_desk.prompt)

    assert ended.code == 0
    sentences = ended.out.split("\n\n")[0].splitlines()
    assert sentences[0].startswith("stepwise is better than concise by groundedness: +0.")
    assert "worse than concise by latency: +" in ended.out
    assert "p95" in ended.out
    assert "--since" not in ended.out
    assert "from the same beginning on" in run(help_desk.prompt, "--since", "2026-01-01").out
    assert "Both hold however often you look." in ended.out
    assert "No experiment assigned" not in ended.out


def test_a_narrow_terminal_has_every_name_and_verdict_whole(run: Run, help_desk: Requests) -> None:
    shown = run(help_desk.prompt, COLUMNS="80").out

    assert re.search(r"^latency +concise +\S+ s +baseline *$", shown, re.MULTILINE)
    assert re.search(r"^groundedness +concise", shown, re.MULTILINE)
    assert re.search(r"^ +stepwise .*\[\+\S+, \+\S+\] +worse *$", shown, re.MULTILINE)


def test_json_has_what_was_planted(run: Run, help_desk: Requests) -> None:
    ended = run(help_desk.prompt, "--json")

    latency = ended.found("latency", "stepwise")
    assert latency["verdict"] == "worse"
    assert latency["relative"]["low"] < 0.5 < latency["relative"]["high"]
    assert latency["relative"]["low"] > 0.3
    grounded = ended.found("score:groundedness", "stepwise")
    assert grounded["verdict"] == "better"
    assert grounded["effect"]["low"] < 0.1 < grounded["effect"]["high"]
    assert grounded["p_adjusted"] < 0.001
    errors = ended.found("errors", "stepwise")
    assert errors["verdict"] in ("alike", "open")
    assert ended.found("latency", "concise")["verdict"] == "baseline"
    assert ended.found("latency", "concise")["value"] == pytest.approx(1.0, abs=0.05)
    assert latency["requests"] + ended.found("latency", "concise")["requests"] == sum(
        "record" in each["_index"] for each in help_desk.actions()
    )
    assert latency["split"] is None


def test_baseline_and_what_matters_can_be_chosen(run: Run, help_desk: Requests) -> None:
    ended = run(help_desk.prompt, "--json", "--baseline", "stepwise", "--matters", "groundedness=0.5", "--once")

    assert ended.found("latency", "concise")["verdict"] == "better"
    assert ended.found("score:groundedness", "concise")["verdict"] == "alike"
    assert ended.found("latency", "concise")["looks"] == "one"


def test_a_split_that_is_off_makes_all_invalid(run: Run, help_desk: Requests) -> None:
    ended = run(help_desk.prompt, "--json", "--expect", "concise=3,stepwise=1")
    found = ended.found("latency", "stepwise")

    assert found["verdict"] == "invalid"
    assert found["split"]["p_value"] < 0.001
    assert "weights that changed" in " ".join(found["notes"])
    assert run(help_desk.prompt, "--json", "--expect", "equal").found("latency", "stepwise")["verdict"] == "worse"


def experiments(folder: Path, help_desk: Requests, worse_than: float, weights: str = "concise: 1, stepwise: 1") -> Path:
    """A folder of prompts with the experiment that the planted requests name."""
    prompt = folder / help_desk.prompt
    prompt.mkdir(parents=True)
    variants = "{concise: {user: Hello}, stepwise: {user: Good day}}"
    (prompt / "1.yaml").write_text(f"owner: us\nchangelog: first\nvariants: {variants}\n")
    (folder / "experiments.yaml").write_text(
        f"planted-wording: {{prompt: {help_desk.prompt}, control: stepwise, variants: {{{weights}}},\n"
        f"  guardrails: [{{metric: score:groundedness, worse_than: {worse_than}}}]}}\n"
    )
    return folder


def test_an_experiments_control_and_weights_are_heeded(run: Run, help_desk: Requests, tmp_path: Path) -> None:
    folder = experiments(tmp_path / "prompts", help_desk, 0.5, "concise: 9, stepwise: 1")
    found = run(help_desk.prompt, "--json", THROUGHLINE_PROMPTS=str(folder)).found("latency", "concise")

    assert found["baseline"] == "stepwise"
    assert found["verdict"] == "invalid"


@pytest.mark.parametrize(("worse_than", "is_stopped"), [(0.05, True), (0.2, False)])
def test_a_broken_guard_rail_stops_the_experiment(
    run: Run, help_desk: Requests, tmp_path: Path, worse_than: float, is_stopped: bool
) -> None:
    """concise is worse grounded than stepwise, its control, by 0.1."""
    folder = experiments(tmp_path / "prompts", help_desk, worse_than)
    ended = run(help_desk.prompt, "--stop-on-guardrail", "--folder", str(folder))

    assert ended.code == 0
    assert (folder / "stopped" / "planted-wording.yaml").exists() == is_stopped
    assert ("is stopped: concise: groundedness" in ended.err) == is_stopped


def test_a_guard_rail_of_what_nobody_measures_is_said_to_guard_nothing(
    run: Run, help_desk: Requests, tmp_path: Path
) -> None:
    folder = experiments(tmp_path / "prompts", help_desk, 0.2)
    file = folder / "experiments.yaml"
    file.write_text(file.read_text().replace("score:groundedness", "error_rate"))
    ended = run(help_desk.prompt, "--stop-on-guardrail", "--folder", str(folder))

    assert "guard-rail error_rate of planted-wording guards nothing" in ended.err
    assert "errors" in ended.err, "what it may have meant"


def test_published_figures_are_those_shown(run: Run, help_desk: Requests, client: Elasticsearch) -> None:
    shown = run(help_desk.prompt, "--json", "--publish")
    assert shown.code == 0
    client.indices.refresh(index=STREAM)
    query = {"term": {f"attributes.{names.PROMPT_NAME}": help_desk.prompt}}
    hits = client.search(index=STREAM, query=query, size=100)["hits"]["hits"]
    told = {
        (each[names.COMPARISON_METRIC], each[names.PROMPT_VARIANT]): each
        for each in (hit["_source"]["attributes"] for hit in hits)
    }
    latency, line = told["latency", "stepwise"], shown.found("latency", "stepwise")

    assert {hit["_source"]["event_name"] for hit in hits} == {names.COMPARISON}
    assert latency[names.COMPARISON_VERDICT] == "worse"
    assert latency[names.COMPARISON_BASELINE] == "concise"
    assert latency[names.EXPERIMENT_NAME] == "planted-wording"
    assert latency[names.COMPARISON_EFFECT] == pytest.approx(line["effect"]["value"])
    assert latency[names.COMPARISON_EFFECT_LOW] == pytest.approx(line["effect"]["low"])
    assert latency[names.COMPARISON_REQUESTS] == line["requests"]
    assert told["latency", "concise"][names.COMPARISON_VERDICT] == "baseline"
    assert names.COMPARISON_EFFECT not in told["latency", "concise"]


def test_publishing_every_so_often_goes_on_after_a_turn_that_failed(
    run: Run, help_desk: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[float] = []
    whole = command._run

    def failing_at_first(*arguments: Any) -> Any:
        if not turns:
            raise command.not_found("nothing there yet", "wait")
        if len(turns) == 1:
            raise ZeroDivisionError("what somebody said")
        return whole(*arguments)

    def slept(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", failing_at_first)
    monkeypatch.setattr(command.time, "sleep", slept)
    ended = run(help_desk.prompt, "--publish", "--every", "300")

    assert ended.code == 130
    assert turns == [300, 300, 300]
    assert "nothing there yet; next: wait" in ended.err
    assert "a fault of ours, ZeroDivisionError" in ended.err
    assert "somebody" not in ended.err
    assert ended.err.count("published:") == 1


class Page(HTMLParser):
    """Which tags are there, and what refers to anything outside."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.identities: list[str | None] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.identities += [value for name, value in attributes if name == "id"]
        for name, value in attributes:
            refers = name in ("src", "href", "xlink:href", "data", "action") and not (value or "").startswith("#")
            if refers or (name.startswith("on")):
                self.outside.append(f"{tag} {name}={value}")


def pictures(text: str) -> list[ElementTree.Element]:
    parts = [part.split("</svg>")[0] for part in text.split("<svg")[1:]]
    return [ElementTree.fromstring(f"<svg{part}</svg>") for part in parts]  # noqa: S314  # our own


def test_the_report_is_one_page_that_needs_nothing_else(run: Run, help_desk: Requests, tmp_path: Path) -> None:
    assert run(help_desk.prompt, "--html", "report.html").code == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)

    assert page.outside == []
    assert len(page.identities) == len(set(page.identities)) > 10
    meant = re.findall(r'(?:url\(|href=")#([^)"]+)', text)
    assert meant
    assert set(meant) == set(page.identities)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "url(http" not in text
    assert "@import" not in text
    found = pictures(text)
    shown = {json.loads(line)["metric"] for line in run(help_desk.prompt, "--json").out.splitlines()}
    assert len(found) == 1 + 2 * len(shown)
    assert "currentColor" in text
    assert "#010203" not in text
    assert "stepwise is better than concise by groundedness" in text


def test_pictures_are_told_without_colour_and_one_look_has_no_course(
    run: Run, help_desk: Requests, tmp_path: Path
) -> None:
    """A line of each variant's own kind, and a text for who sees none; one look's interval holds for it alone."""
    run(help_desk.prompt, "--html", "often.html")
    run(help_desk.prompt, "--html", "once.html", "--once")
    often, once = ((tmp_path / name).read_text(encoding="utf-8") for name in ("often.html", "once.html"))

    assert often.count('role="img" aria-label=') == often.count("<svg")
    assert "stroke-dasharray" in often
    assert re.findall("border-top-style: (solid|dashed)", often) == ["solid", "dashed"]
    assert "over time" in often
    assert "over time" not in once
    assert len(pictures(once)) == (len(pictures(often)) + 1) / 2


def test_names_from_records_are_text_in_the_report_and_on_the_terminal(
    run: Run, write: Write, namespace: str, tmp_path: Path
) -> None:
    odd = '<b>"&$x_1$</b>\x1b[31m'
    prompt = f"<script>alert(1)</script>{namespace}"
    requests = Requests(prompt, {"a": Plant(), odd: Plant(latency=2.0)}, namespace, users=120)
    rated = next(each for each in requests.actions() if "record" in each["_index"])["_source"]
    write(*requests.actions(), requests.evaluation(START, rated["trace_id"], rated["span_id"], "<i>$y$", 1.0))
    ended = run(prompt, "--html", "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)

    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert "\x1b" not in text
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "i" not in page.tags
    assert "&lt;script&gt;" in text
    assert any(odd[:11] in "".join(picture.itertext()) for picture in pictures(text)), "as it is, and no formula"
    assert "No experiment assigned these requests" in ended.out


def test_requests_that_no_experiment_assigned_count_only_if_asked_for(run: Run, write: Write, namespace: str) -> None:
    prompt, plants = f"p-{namespace}", {"a": Plant(), "b": Plant()}
    assigned = Requests(prompt, plants, namespace, users=40, experiment="x")
    free = Requests(prompt, plants, namespace, users=70, seed=2)
    later = Requests(prompt, plants, namespace, users=20, seed=3, experiment="an older one")
    records, others = ([one for one in each.actions() if "record" in one["_index"]] for each in (assigned, free))
    write(*records, *others)

    def counted(*options: str) -> int:
        ended = run(prompt, "--json", *options)
        return sum(ended.found("latency", variant)["requests"] for variant in "ab")

    assert counted() == len(records)
    assert counted("--all-traffic") == len(records) + len(others)
    old = [_earlier(one) for one in later.actions() if "record" in one["_index"]]
    write(*old)
    assert counted() == len(records)
    assert counted("--experiment", "an older one") == len(old)
    assert "an older one" in run(prompt).out


def _earlier(action: Document) -> Document:
    source = action["_source"]
    return {**action, "_source": {**source, "@timestamp": f"{float(source['@timestamp']) - 30 * 86_400_000:.6f}"}}


def test_not_enough_data_is_said_with_how_much_more(run: Run, write: Write, namespace: str) -> None:
    requests = Requests(f"p-{namespace}", {"a": Plant(), "b": Plant()}, namespace, users=100)
    write(*requests.actions())
    ended = run(requests.prompt)

    assert "not enough data for latency (about" in ended.out
    assert "more requests" in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody-has-this"], 1, "no request of a variant of nobody-has-this"),
        ([], 2, "no prompt is named"),
        (["x", "--every", "5"], 2, "--every without --publish"),
        (["x", "--matters", "latency"], 2, "--matters latency names no metric"),
        (["x", "--matters", "latency=0"], 2, "makes no sense"),
        (["x", "--better", "latency=up"], 2, "makes no sense"),
        (["x", "--expect", "a=-1"], 2, "makes no sense"),
        (["x", "--html", "nowhere/report.html"], 2, "there is no folder"),
        (["x", "--once", "--stop-on-guardrail"], 2, "--once is for a single look"),
        (["x", "--since", "soon"], 2, "no point in time"),
        (["x", "--folder", "nowhere"], 2, "is no folder"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(run: Run, arguments: list[str], code: int, said: str) -> None:
    ended = run(*arguments)

    assert ended.code == code
    assert said in ended.err
    assert "next:" in ended.err


def test_a_baseline_that_is_not_there_and_guard_rails_that_nobody_knows(run: Run, help_desk: Requests) -> None:
    assert run(help_desk.prompt, "--baseline", "x").code == 2
    assert run(help_desk.prompt, "--stop-on-guardrail").code == 2
    assert run(help_desk.prompt, "--expect", "a=1,b=1").code == 2


def test_only_one_variant_is_nothing_to_compare(run: Run, write: Write, namespace: str) -> None:
    requests = Requests(f"p-{namespace}", {"a": Plant()}, namespace, users=5)
    write(*requests.actions())
    ended = run(requests.prompt)

    assert ended.code == 1
    assert "a is the only variant" in ended.err
