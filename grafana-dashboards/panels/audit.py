"""Evidence: who asked what, whether the chains hold, who opened or erased what was said, masks, and retention."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from throughline import names
from throughline.privacy.findings import BUILT_IN_KINDS

from panels import fields, links, sources
from panels.drawing import documents, stacked
from panels.figures import Figure, side_by_side
from panels.one_request import VERIFICATIONS, verified
from panels.queries import ask, each_over_time, over_time, term, total
from panels.requests import leading_on
from panels.shaping import newest, properties
from panels.variables import AUDITED, BEGINS, TEXT, chosen

_CHOSEN: Final = f"{chosen(AUDITED)} AND {BEGINS}"
_PLACED: Final = chosen(("environment", "service"))
_RECORDS: Final = {
    fields.TIME: "Ended",
    fields.OPERATION: "Operation",
    fields.SERVICE: "Service",
    fields.USER: "User",
    fields.MODEL: "Model",
    fields.PROMPT: "Prompt",
    fields.VERSION: "Version",
    fields.DURATION: "Took",
    fields.ERROR: "Error",
    fields.MASK_KINDS: "Masked",
    fields.CHAIN: "Chain",
    fields.SEQUENCE: "Place",
    fields.TRACE: "Trace",
    fields.RECORD: "Record",
}
_SAID: Final = {
    fields.TIME: "When",
    fields.SERVICE: "Service",
    fields.INPUT_TEXT: "Prompt",
    fields.OUTPUT_TEXT: "Response",
    fields.SEARCH_TEXT: "Looked for",
    fields.PASSAGES: "Passages",
    fields.TOOL_ARGUMENTS: "Arguments",
    fields.TOOL_RESULT: "Result",
    fields.EXPLANATION: "Because",
    fields.TRACE: "Trace",
    fields.RECORD: "Record",
}
_ACTS: Final = {
    fields.TIME: "When",
    fields.EVENT: "What",
    fields.ACTOR: "Who",
    fields.REASON: "Why",
    fields.CONCERNED: "Records",
}
_KEPT: Final = {
    fields.STREAM: "Stream",
    fields.BYTES: "Size",
    fields.DOCUMENTS: "Documents",
    fields.RETENTION: "Days kept",
    fields.TIME: "Told",
}
_KINDS: Final = f"doc['{fields.MASK_KINDS}']"


def records() -> table.Panel:
    """The newest records of whom, what and when the variables say."""
    panel = documents("Records", _RECORDS, of=_CHOSEN, source=sources.OPERATIONS)
    return leading_on(panel, sources.OPERATIONS).override_by_name("Chain", properties(links=[links.chain()]))


def said() -> table.Panel:
    """What was said with these words in it, for who may read it."""
    # Beside words that a person writes, or none at all, stands a phrase without words, so that there is always a query.
    words = f'(${{{TEXT}:raw}} "")'
    panel = documents("What was said", _SAID, of=f"{_PLACED} AND {BEGINS} AND {words}", source=sources.CONTENT)
    for heading in ("Prompt", "Response", "Passages"):
        panel = panel.override_by_name(heading, properties(custom_inspect=True))
    return (
        panel.description(
            'Words as Lucene reads them: refund, refu*, "opening hours", cards AND lost. Of everybody: user, model and '
            "prompt are not stored beside what was said, so these choices do nothing here; a trace id does."
        )
        .override_by_name("Trace", properties(links=[links.request()]))
        .override_by_name("Record", properties(links=[links.record(sources.OPERATIONS), links.content()]))
        .no_value("no such words, or this Grafana may not read what was said")
    )


def chains() -> table.Panel:
    """Every chain that was verified in the chosen time, as its last verification found it."""
    of = f"event_name:{names.VERIFICATION} AND {fields.SERVICE}:$service"
    panel = documents("Chains, as last verified", VERIFICATIONS, of=of, source=sources.REPORTS, most=500)
    return verified(panel).override_by_name("Chain", properties(links=[links.chain()]))


def checkpoints() -> table.Panel:
    """How far each chain is signed for, and what is known to be lost of it."""
    signed = f"doc['{fields.EVENT}'].value == '{names.CHAIN_CHECKPOINT}'"
    figures = (
        Figure("last", "Signed up to place", "max", fields.SEQUENCE, f"{signed} ? _value : -1"),
        Figure("lost", "Records lost", "sum", fields.LOST),
    )
    of = f"event_name:({names.CHAIN_CHECKPOINT} OR {names.CHAIN_GAP}) AND {_PLACED}"
    groups = {fields.CHAIN: "Chain", fields.SERVICE: "Service"}
    return side_by_side("Chains, as signed", groups, figures, of=of, source=sources.AUDIT)


def acts() -> table.Panel:
    """Who opened sealed content or erased a person, why, and of which records."""
    of = f"event_name:({names.CONTENT_OPENED} OR {names.CONTENT_ERASED})"
    panel = documents("Opened and erased", _ACTS, of=of, source=sources.AUDIT)
    return panel.override_by_name("Records", properties(custom_inspect=True)).no_value("nobody did")


def masks() -> timeseries.Panel:
    """How many values of each kind were masked; a kind of somebody's own rules is among the others."""
    known = "".join(f" && !k.startsWith('{kind}:')" for kind in BUILT_IN_KINDS)
    panel = stacked("Masked, by kind", *(_masked(kind, f"k.startsWith('{kind}:')") for kind in BUILT_IN_KINDS))
    return panel.with_target(_masked("others", f"true{known}"))


def _masked(kind: str, condition: str) -> Dataquery:
    """The sum over what is written as `kind:count` in the records that have any; it rides on their own count."""
    counted = (
        f"for (def k : {_KINDS}) {{ if ({condition}) {{ n += Integer.parseInt(k.substring(k.indexOf(':') + 1)); }} }}"
    )
    figure = Figure(kind, kind, "sum", fields.MASKED, f"int n = 0; {counted} return n;")
    only = f"_exists_:{fields.MASK_KINDS}"
    return ask(
        [figure.metric([figure])],
        [over_time()],
        of=_CHOSEN,
        only=only,
        source=sources.OPERATIONS,
        alias=kind,
        name=kind,
    )


def let_through() -> timeseries.Panel:
    """What applications let through and the Collector masked after them: there should be none."""
    query = ask(
        [total(fields.SECOND_PASS, "1")],
        each_over_time(fields.SERVICE),
        of=_CHOSEN,
        only=f"_exists_:{fields.SECOND_PASS}",
        source=sources.OPERATIONS,
        alias=term(fields.SERVICE),
    )
    return stacked("Masked by the Collector only", query).no_value("nothing let through")


def retention() -> table.Panel:
    """What each data stream keeps, and for how long, as housekeeping last told."""
    panel = documents("Retention", _KEPT, of=f"event_name:{names.STORAGE}", source=sources.REPORTS, most=500)
    return (
        panel.transformations(newest(_KEPT, fields.STREAM))
        .sort_by([common.TableSortByFieldState().display_name("Stream")])
        .override_by_name("Size", properties(unit="bytes"))
        .no_value("housekeeping told nothing in this time")
    )
