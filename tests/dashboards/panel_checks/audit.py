"""The numbers of the audit board."""

from __future__ import annotations

from dashboards.panel_checks import Shown, checks

SEVENTH = f"{7:032x}"
FIRST, SECOND = (f"{number:032x}{number:016x}" for number in (1, 2))


@checks("audit", "Records")
def _records(shown: Shown) -> None:
    rows = shown.rows()
    assert len(rows) == 100
    assert rows[0]["Record"] == f"{100:032x}{100:016x}"
    assert (rows[0]["Chain"], rows[0]["Place"]) == ("chain-b", 49)
    assert len(shown.rows(trace_id=SEVENTH)) == 7
    assert [row["Masked"] for row in shown.rows(trace_id=f"{SEVENTH}{7:016x}")] == [["email:2", "phone:1"]]
    assert {row["User"] for row in shown.rows(user=["user 3"])} == {"user 3"}
    assert len(shown.rows(user=["user 3"])) == 18
    assert len(shown.rows(fingerprint=["cc" * 32])) == 5
    # Who looks for evidence sees what the judge asked, too.
    assert len(shown.rows(model=["sim-judge"])) == 5


@checks("audit", "What was said")
def _said(shown: Shown) -> None:
    assert len(shown.rows()) == 70
    assert len(shown.rows(text="question")) == 20
    assert [row["Record"] for row in shown.rows(text='"answer 7"')] == [f"{SEVENTH}{7:016x}"]
    assert {row["Record"] for row in shown.rows(text="question AND 7 OR lookup")} == {f"{SEVENTH}{7:016x}"}
    assert [row["Passages"][0]["content"] for row in shown.rows(text='"passage 7"')] == ["passage 7"]
    said = {row["Response"] is not None: row for row in shown.rows(trace_id=SEVENTH)}
    assert set(said) == {True, False}
    assert {row["Because"] for row in shown.rows(trace_id=SEVENTH)} == {None, "because of 7"}
    assert shown.rows(text="") == []
    assert shown.rows(service=["gateway"])[0]["Arguments"] == "look up 10"


@checks("audit", "Chains, as last verified")
def _chains(shown: Shown) -> None:
    rows = {row["Chain"]: row for row in shown.rows()}
    assert {chain: (row["State"], row["Records"], row["Proven"]) for chain, row in rows.items()} == {
        "chain-a": ("proven", 50, 50),
        "chain-b": ("sound", 50, 25),
    }
    assert shown.rows(service=["gateway"]) == []


@checks("audit", "Chains, as signed")
def _checkpoints(shown: Shown) -> None:
    assert shown.columns() == {
        "Chain": ["chain-a", "chain-b"],
        "Service": ["llm-caller", "llm-caller"],
        "Signed up to place": [49, 49],
        "Records lost": [0, 4],
    }


@checks("audit", "Opened and erased")
def _acts(shown: Shown) -> None:
    assert [(row["What"], row["Who"], row["Why"], row["Records"]) for row in shown.rows()] == [
        ("throughline.content.erased", "ann", "asked to be forgotten", [FIRST, SECOND]),
        ("throughline.content.opened", "bob", "a claim", [FIRST, SECOND]),
        ("throughline.content.opened", "ann", "a complaint", [FIRST]),
    ]


@checks("audit", "Masked, by kind")
def _masks(shown: Shown) -> None:
    found = {kind: sum(counts) for kind, counts in shown.series().items()}
    # Ten calls with two addresses and a number each, two with a dozen of a kind of one's own.
    assert {kind: count for kind, count in found.items() if count} == {"email": 20, "phone": 10, "others": 24}
    assert len(found) == 11


@checks("audit", "Masked by the Collector only")
def _let_through(shown: Shown) -> None:
    assert shown.series() == {"llm-caller": [1 if minute in {11, 12} else 0 for minute in range(1, 61)]}


@checks("audit", "Retention")
def _retention(shown: Shown) -> None:
    found = {row["Stream"]: (row["Size"], row["Documents"], row["Days kept"]) for row in shown.rows()}
    assert found == {
        "logs-genai.content.otel-default": (6_000_000, 300, 30),
        "logs-genai.record.otel-default": (3_000_000, 300, 365),
        "logs-genai.rejected.otel-default": (800, 3, 30),
    }
