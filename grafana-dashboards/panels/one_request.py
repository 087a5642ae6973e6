"""All that is known of one request: its trace, its steps, what was said, how it was scored, and whether that holds."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, piechart, stat, table
from throughline import names

from panels import fields, links, sources
from panels.drawing import documents, large, newest_documents
from panels.figures import COST, ERRORS, TOKENS_IN, TOKENS_OUT, Figure, headings, metrics
from panels.queries import ask, by
from panels.requests import COLUMNS, leading_on
from panels.shaping import beside, newest, properties
from panels.steps import shares_of
from panels.variables import CHAINS, OF_TRACE, OWN_OF_TRACE

_WHOLE: Final = (
    Figure("steps", "Steps", "count"),
    Figure("ended", None, "max", fields.TIME),
    Figure("started", None, "min", fields.STARTED),
    Figure("took", "Took", "bucket_script", script="(params.ended - params.started / 1000000.0) / 1000.0"),
    ERRORS,
    TOKENS_IN,
    TOKENS_OUT,
    COST,
)
_STEPS: Final = {
    fields.TIME: "Ended",
    fields.OPERATION: "Step",
    fields.DURATION: "Took",
    fields.ERROR: "Error",
    fields.END_REASON: "End",
    fields.SERVICE: "Service",
    fields.JUDGING: "Judging",
    fields.AGENT: "Agent",
    fields.TOOL: "Tool",
    fields.ATTEMPTS: "Attempts",
    fields.CHAIN: "Chain",
    fields.RECORD: "Record",
}
_PARAMETERS: Final = {
    fields.PROVIDER: "Provider",
    fields.MODEL: "Model",
    fields.RESPONSE_MODEL: "Answered by",
    fields.TEMPERATURE: "Temperature",
    fields.TOP_P: "Top p",
    fields.TOP_K: "Top k",
    fields.MOST_TOKENS: "Most tokens",
    fields.SEED: "Seed",
    fields.STREAMING: "Streamed",
    fields.FINISH: "Finish reason",
    fields.PROMPT: "Prompt",
    fields.VERSION: "Version",
    fields.VARIANT: "Variant",
    fields.TEMPLATE: "Template",
    fields.EXPERIMENT: "Experiment",
    fields.USER: "User",
}
_SAID: Final = {
    fields.SYSTEM_TEXT: "Instructions",
    fields.INPUT_TEXT: "Prompt",
    fields.OUTPUT_TEXT: "Response",
}
_FOUND: Final = {
    fields.SEARCH_TEXT: "Looked for",
    fields.PASSAGES: "Passages",
    fields.TOOL_ARGUMENTS: "Tool's arguments",
    fields.TOOL_RESULT: "Tool's result",
}
_SCORES: Final = {
    fields.SCORE: "Score",
    fields.SCORE_VALUE: "Value",
    fields.SCORE_LABEL: "Label",
    fields.SCORE_SOURCE: "By",
    fields.SCORER: "Scorer",
    fields.EXPLANATION: "Because",
    fields.RECORD: "Record",
}
VERIFICATIONS: Final = {
    fields.CHAIN: "Chain",
    fields.SERVICE: "Service",
    fields.TIME: "Verified",
    fields.VERDICT: "State",
    fields.VERIFIED: "Records",
    fields.PROVEN: "Proven",
    fields.FINDINGS: "Findings",
}
# Structured content is found by what each of its items has; `_exists_` knows neither objects nor a star.
_LEAVES: Final = {
    fields.SYSTEM_TEXT: ".type",
    fields.INPUT_TEXT: ".role",
    fields.OUTPUT_TEXT: ".role",
    fields.PASSAGES: ".id",
}
_UNREADABLE: Final = "nothing was kept, or this Grafana may not read it"


def whole() -> stat.Panel:
    """The request in numbers."""
    query = ask(metrics(_WHOLE), [by(fields.TRACE, size=1)], of=OWN_OF_TRACE, source=sources.OPERATIONS)
    return (
        large("In all", query, headings({}, _WHOLE), nothing="no record of this trace id")
        .override_by_name("Took", properties(unit="s", decimals=2))
        .override_by_name("Cost", properties(**COST.look))
    )


def shares() -> piechart.Panel:
    """Which step took which share of the time that all of them took."""
    return (
        shares_of("Share of time by step", OWN_OF_TRACE)
        .description("Steps that run at the same time count each.")
        .no_value("no record of this trace id")
    )


def steps() -> table.Panel:
    """Every step with what it took and how it ended."""
    return (
        documents("Steps", _STEPS, of=OF_TRACE, source=sources.OPERATIONS)
        .sort_by([common.TableSortByFieldState().display_name("Ended").desc(False)])
        .override_by_name("Took", properties(unit="s", decimals=3))
        .override_by_name("Record", properties(links=[links.record(sources.OPERATIONS), links.content()]))
        .override_by_name("Chain", properties(links=[links.chain()]))
    )


def calls() -> table.Panel:
    """Its model calls, each leading to others of its user, its prompt and its model."""
    return leading_on(documents("Model calls and retrievals", COLUMNS, of=OWN_OF_TRACE))


def parameters() -> table.Panel:
    """What the models were asked with, and of which prompt."""
    asked = f"_exists_:{fields.MODEL}"
    return documents("Parameters", _PARAMETERS, of=OWN_OF_TRACE, only=asked)


def said() -> table.Panel:
    """Prompt and response, for who may read them."""
    return _content("Prompt and response", _SAID)


def found() -> table.Panel:
    """What was looked for and found, and what tools were given and gave."""
    return _content("Passages and tools", _FOUND)


def scores() -> table.Panel:
    """How it was scored, and why, for who may read the explanation."""
    explained = newest_documents(of=OF_TRACE, only=f"_exists_:{fields.EXPLANATION}", source=sources.CONTENT, name="B")
    panel = documents("Scores", _SCORES, of=OF_TRACE, source=sources.EVALUATIONS).with_target(explained)
    return panel.transformations(beside(fields.RECORD, _SCORES)).override_by_name("Because", _WRAPPED)


def verification() -> table.Panel:
    """What the last verification in the chosen time said of the chains that its records belong to."""
    of = f"event_name:{names.VERIFICATION} AND {fields.CHAIN}:${CHAINS}"
    return verified(documents("Verification", VERIFICATIONS, of=of, source=sources.REPORTS, most=500))


def verified(panel: table.Panel) -> table.Panel:
    """Of reports on chains the newest of each, broken ones in red."""
    colours = {"proven": ("green", 0), "sound": ("blue", 1), "broken": ("red", 2)}
    options = {state: {"color": colour, "index": place} for state, (colour, place) in colours.items()}
    shown = properties(
        mappings=[{"type": "value", "options": options}],
        custom_cellOptions={"type": "color-background", "mode": "basic"},
    )
    panel = panel.transformations(newest(VERIFICATIONS, fields.CHAIN)).override_by_name("State", shown)
    return panel.no_value("not verified in this time: throughline verify --publish")


_WRAPPED: Final = properties(custom_wrapText=True, custom_inspect=True)


def _content(title: str, parts: dict[str, str]) -> table.Panel:
    has = " OR ".join(f"_exists_:{field}{leaf}" for field in parts for leaf in sorted({"", _LEAVES.get(field, "")}))
    panel = documents(title, parts | {fields.RECORD: "Record"}, of=OF_TRACE, only=f"({has})", source=sources.CONTENT)
    for heading in parts.values():
        panel = panel.override_by_name(heading, _WRAPPED)
    return panel.no_value(_UNREADABLE)
