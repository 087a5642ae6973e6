"""`throughline why` and `throughline diff` on a real Elasticsearch that holds known traffic."""

from __future__ import annotations

import sys

import pytest
from cli.conftest import NOWHERE, Run
from explaining.conftest import (
    CHANGED,
    CHAT,
    COUNT,
    FAILED,
    FEW,
    JUDGED,
    LONELY,
    ODD,
    ORDINARY,
    OUTSIDE,
    RETRIEVAL,
    SEALED,
    SLOW,
    TWIN,
    Why,
)

pytestmark = pytest.mark.stack


def test_a_slow_request_is_explained_by_step_and_attribute(why: Why) -> None:
    told = why(SLOW)
    assert told["verdict"] == "slow"
    # the crowd, ordinary, twin, changed, sealed; neither the failed one, nor other prompts', nor a judge's call
    assert (told["peers"]["count"], told["peers"]["prompt"]) == (COUNT + 4, "help-desk")
    assert (told["first"]["words"], told["first"]["attribute"]) == ("retrieval host = b", "host.name")
    assert told["steps"][0]["step"] == "retrieval"
    assert told["steps"][0]["excess"] == pytest.approx(8.8, abs=0.1)
    assert {step["step"] for step in told["steps"]} == {"retrieval", "build_prompt", "chat", "post_process"}
    assert "What sets it apart: retrieval host = b, slow in " in told["summary"]
    (score,) = told["scores"]
    assert (score["name"], score["percentile"], score["typical"]) == ("grounded", 0, pytest.approx(0.915, abs=1e-3))


def test_what_to_do_next_works(why: Why, run: Run, stored: str) -> None:
    show, compare = why(SLOW)["next"]
    assert show == f"throughline trace {SLOW}"
    ended = run(*compare.split()[1:], ELASTICSEARCH_URL=stored)
    assert ended.code == 1
    assert "retrieval took" in ended.out


def test_the_first_sentence_comes_first_and_tables_fit(run: Run, stored: str) -> None:
    ended = run("why", SLOW, ELASTICSEARCH_URL=stored, COLUMNS="80")
    assert ended.code == 0
    assert ended.out.startswith("Slow: 10.3 s, slower than ")  # 9 + 0.02 + 0.4 + 90 * 0.01 + 0.03
    assert max(len(line) for line in ended.out.splitlines() if not line.startswith("next: ")) <= 80
    for words in ("where the time went", "what it has", "scores", f"next: throughline trace {SLOW}"):
        assert words in ended.out


def test_an_ordinary_one_is_said_to_be_so(why: Why) -> None:
    told = why(f"00-{ORDINARY}-{CHAT}-01")
    assert told["verdict"] == "ordinary"
    assert told["first"] is None
    assert told["summary"].startswith("Not slow: ")


def test_one_that_failed_alone_is_told_as_a_fact(why: Why) -> None:
    told = why(FAILED)
    assert told["failure"] == {"step": "chat", "error": "RateLimitError"}
    assert told["first"] is None
    assert "no peer did" in told["summary"]


def test_without_peers_of_its_prompt_those_of_its_service_are_taken(why: Why) -> None:
    told = why(LONELY)
    assert told["peers"]["is_fallback"]
    assert (told["peers"]["prompt"], told["peers"]["service"]) == (None, "llm-caller")
    assert told["peers"]["count"] >= COUNT


def test_few_peers_are_told_as_too_few(run: Run, why: Why, stored: str) -> None:
    assert why(FEW)["peers"]["count"] == 2
    assert not why(FEW)["peers"]["can_tell"]
    assert why(SLOW, "--peers", "10")["peers"]["count"] <= 10
    shown = run("why", SLOW, "--peers", "13", ELASTICSEARCH_URL=stored).out  # one of them failed
    assert "Too few peers to tell why (12; about 30 are needed)." in shown
    assert "p, adjusted" not in shown


def test_without_any_peer_nothing_is_said_to_be_typical(run: Run, why: Why, stored: str) -> None:
    alone = (SLOW, "--until", "2026-06-20")
    told = why(*alone)
    assert told["peers"]["count"] == 0
    assert {(step["typical"], step["high"], step["excess"]) for step in told["steps"]} == {(None, None, None)}
    shown = run("why", *alone, ELASTICSEARCH_URL=stored).out
    assert shown.startswith("Took 10.3 s, and did not fail; no peer that succeeded is there to compare it with.")
    assert "0 µs" not in shown
    assert "+9 s" not in shown


def test_names_are_shown_as_they_are_whatever_they_would_mean_to_a_terminal(run: Run, stored: str) -> None:
    for arguments in (("why", ODD), ("diff", ODD, TWIN)):
        ended = run(*arguments, ELASTICSEARCH_URL=stored)
        assert ended.err == ""
        assert "[/] step\ufffd[2J" in ended.out


def test_a_period_bounds_the_peers(why: Why) -> None:
    assert why(SLOW, "--until", "2026-06-20")["peers"]["count"] == 0
    assert 0 < why(SLOW, "--since", "2026-06-21T08:00:00Z")["peers"]["count"] < COUNT


def test_a_records_id_is_that_operation_alone(why: Why) -> None:
    told = why(f"{SLOW}{RETRIEVAL}")
    assert told["record_id"] == f"{SLOW}{RETRIEVAL}"
    assert told["duration"]["seconds"] == pytest.approx(9.0)
    assert [step["step"] for step in told["steps"]] == ["retrieval"]
    assert told["first"]["words"] == "retrieval host = b"
    assert why(f"{SLOW}{CHAT}")["verdict"] == "ordinary"


def test_alike_in_all_but_ids_and_times_is_nothing_to_report(run: Run, stored: str) -> None:
    ended = run("diff", ORDINARY, TWIN, ELASTICSEARCH_URL=stored)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Alike in everything but ids and times")


def test_what_differs_first_is_said_first_then_shown_side_by_side(run: Run, stored: str) -> None:
    ended = run("diff", ORDINARY, CHANGED, ELASTICSEARCH_URL=stored)
    assert ended.code == 1
    first = "They differ first in retrieval: retrieval passage care-line is 7.25 in A and 5 in B"
    assert ended.out.startswith(f"{first}; then in model and parameters, messages; chat took 1.6 s longer in B.")
    assert "request.temperature" in ended.out
    assert "-twice?" in ended.out
    assert "+thrice?" in ended.out
    assert "prompt.name" not in ended.out
    assert "prompt.name" in run("diff", ORDINARY, CHANGED, "--all", ELASTICSEARCH_URL=stored).out


def test_differences_as_json_tell_each_row_and_line(run: Run, stored: str) -> None:
    ended = run("diff", ORDINARY, CHANGED, "--json", ELASTICSEARCH_URL=stored)
    (told,) = ended.lines
    assert (ended.code, told["alike"]) == (1, False)
    assert told["first"] == {"section": "retrieval", "step": "retrieval", "label": "passage care-line"}
    rows = {(row["step"], row["label"]): (row["a"], row["b"], row["alike"]) for row in told["rows"]}
    assert rows["chat", "gen_ai.request.temperature"] == (0.2, 0.7, False)
    assert rows["chat", "gen_ai.request.model"] == ("small", "small", True)
    assert not any("response.id" in label for _, label in rows)
    (changed,) = (text for text in told["texts"] if text["diff"])
    assert changed["label"] == "gen_ai.input.messages"


def test_sealed_content_is_said_to_be_sealed(run: Run, stored: str) -> None:
    ended = run("diff", SEALED, SEALED, ELASTICSEARCH_URL=stored)
    assert ended.code == 0
    assert "Not compared: content, sealed for key key-7." in ended.out.replace("\n", " ")
    assert "c2VhbGVk" not in ended.out


def test_two_record_ids_are_two_operations(run: Run, stored: str) -> None:
    (told,) = run("diff", f"{ORDINARY}{CHAT}", f"{CHANGED}{CHAT}", "--json", ELASTICSEARCH_URL=stored).lines
    assert told["first"]["label"] == "gen_ai.request.temperature"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("why", "0" * 32), 1),
        (("why", f"{SLOW}{'9' * 16}"), 1),
        (("why", JUDGED), 1),
        (("why", f"{OUTSIDE}{CHAT}"), 1),
        (("diff", f"{OUTSIDE}{CHAT}", SLOW), 2),
        (("why", "no id"), 2),
        (("why", SLOW, "--since", "never"), 2),
        (("why", "ee000000"), 2),
        (("diff", "0" * 32, SLOW), 2),
        (("diff", SLOW, "abcdef99"), 2),
        (("diff", SLOW, "no id"), 2),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_to_do(
    run: Run, stored: str, arguments: tuple[str, ...], code: int
) -> None:
    ended = run(*arguments, ELASTICSEARCH_URL=stored)
    assert ended.code == code
    assert ended.err.startswith("error: ")
    assert "next:" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("arguments", [("why", SLOW), ("diff", SLOW, TWIN)])
def test_a_store_that_is_away_is_3(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, ELASTICSEARCH_URL=NOWHERE).code == 3


def test_without_scipy_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("throughline.explaining")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "scipy", None)
    ended = run("why", SLOW)
    assert ended.code == 2
    assert "pip install 'throughline[compare]'" in ended.err
