"""The variables that boards share, and the filters that panels make of them; which of them a board has is its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import VariableHide, VariableOption, VariableRefresh
from throughline import names

from panels import fields, sources

# Inside `field:( … )` it matches every record. A mere `*` would hide those that lack the field: calls without a user.
EVERYTHING: Final = "(*:*)"
CHOICES: Final = {
    "environment": fields.ENVIRONMENT,
    "service": fields.SERVICE,
    "operation": fields.OPERATION,
    "provider": fields.PROVIDER,
    "model": fields.MODEL,
    "prompt": fields.PROMPT,
    "variant": fields.VARIANT,
    "user": fields.USER,
    "fingerprint": fields.FINGERPRINT,
    "conversation": fields.CONVERSATION,
    "score": fields.SCORE,
}
# Whose values are found elsewhere than in the records.
_ELSEWHERE: Final = {"conversation": sources.OPERATIONS, "score": sources.EVALUATIONS}
# What stands in a choice until somebody chooses; All in the others.
_CHOSEN: Final = {"operation": "chat"}
SHARED: Final = ("environment", "service", "provider", "model", "prompt", "variant", "user")
AUDITED: Final = (*SHARED, "fingerprint")
CALLING: Final = ("environment", "service", "operation", "provider", "model", "prompt", "variant", "user")
COMPARED_PROMPT: Final = "compared_prompt"
COMPARED_METRIC: Final = "compared_metric"
COMPARED_VARIANT: Final = "compared_variant"
COMPARED: Final = (COMPARED_PROMPT, COMPARED_METRIC, COMPARED_VARIANT)
JAEGER_PAGE: Final = "jaeger_page"
SLOWER: Final = "slower_than"
TRACE: Final = "trace_id"
TEXT: Final = "text"
# What a person may type, or a link may set: label and what stands in it until then.
WRITTEN: Final = {
    SLOWER: ("Requests of at least (s)", "0"),
    TRACE: ("Trace id", ""),
    TEXT: ("Words", "*"),
    JAEGER_PAGE: ("Jaeger's page", "https://127.0.0.1:16686"),
}
_HIDDEN: Final = {JAEGER_PAGE}
# The chains that a trace's records belong to: found by themselves, so that reports on these can be asked for.
CHAINS: Final = "chain"
Variable = QueryVariable | TextBoxVariable


# A judge's calls are none of the application's own traffic.
_OWN: Final = f"NOT {fields.JUDGING}:true"


def chosen(choices: Iterable[str]) -> str:
    """The filter that these choices make together."""
    return " AND ".join(f"{CHOICES[name]}:${name}" for name in choices)


OF_TRACE: Final = f'{fields.TRACE}:"${{{TRACE}}}"'
"""All that one trace id holds."""
OWN_OF_TRACE: Final = f"{OF_TRACE} AND {_OWN}"
"""The same without what a judge asked about it."""
BEGINS: Final = f"({fields.TRACE}:${{{TRACE}}}* OR {fields.RECORD}:${{{TRACE}}}*)"
"""What has a trace id or a record id that begins so; everything while nothing is written, for all have a record id."""
FILTER: Final = f"{chosen(SHARED)} AND {_OWN}"
"""Records, operations and retrievals alike."""
CALLS: Final = f"{chosen(CALLING)} AND {_OWN}"
"""Of the records, those of the chosen operation."""


OF_PROMPT: Final = f'{fields.EVENT}:{names.COMPARISON} AND {fields.PROMPT}:"${{{COMPARED_PROMPT}}}"'
"""Reports on comparisons of the prompt that is chosen for it. Quoted, so that none at all is no mistake."""
# What one of is chosen, the most frequent one until somebody does: its field, of which reports, and what stands there.
_ONE: Final = {
    COMPARED_PROMPT: ("Compared prompt", fields.PROMPT, f"{fields.EVENT}:{names.COMPARISON}", ""),
    COMPARED_METRIC: ("by", fields.METRIC, OF_PROMPT, "latency"),
    COMPARED_VARIANT: ("of variant", fields.VARIANT, f"{OF_PROMPT} AND NOT {fields.CONCLUSION}:baseline", ""),
}


def variable(name: str) -> Variable:
    """The variable of this name. Raises KeyError if there is none."""
    if name == CHAINS:
        return _chains()
    if name in _ONE:
        return _one(name, *_ONE[name])
    return _choice(name, CHOICES[name]) if name in CHOICES else _written(name, *WRITTEN[name])


def _choice(name: str, field: str) -> QueryVariable:
    """Any of the field's values in the chosen time; the most frequent ones first, for users can be many."""
    question = {"find": "terms", "field": field, "query": _OWN, "size": 1000, "orderBy": "doc_count"}
    text, value = (_CHOSEN[name],) * 2 if name in _CHOSEN else ("All", "$__all")
    return (
        QueryVariable(name)
        .label(name.capitalize())
        .datasource(_ELSEWHERE.get(name, sources.RECORDS))
        .query(json.dumps(question))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(EVERYTHING)
        .current(VariableOption(selected=True, text=[text], value=[value]))
    )


def _one(name: str, label: str, field: str, of: str, value: str) -> QueryVariable:
    """One of the values that reports have; the first of them where the one that stands there is none."""
    question = {"find": "terms", "field": field, "query": of, "size": 1000, "orderBy": "doc_count"}
    return (
        QueryVariable(name)
        .label(label)
        .datasource(sources.REPORTS)
        .query(json.dumps(question))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .current(VariableOption(selected=True, text=value, value=value))
    )


def _chains() -> QueryVariable:
    question = {"find": "terms", "field": fields.CHAIN, "query": OF_TRACE, "size": 1000}
    return (
        QueryVariable(CHAINS)
        .hide(VariableHide.HIDE_VARIABLE)
        .datasource(sources.OPERATIONS)
        .query(json.dumps(question))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _written(name: str, label: str, value: str) -> TextBoxVariable:
    return (
        TextBoxVariable(name)
        .label(label)
        .hide(VariableHide.HIDE_VARIABLE if name in _HIDDEN else VariableHide.DONT_HIDE)
        .default_value(value)
        .current(VariableOption(selected=True, text=value, value=value))
    )
