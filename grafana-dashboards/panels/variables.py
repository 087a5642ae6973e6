"""The dashboard's variables and the filter that they make together; every panel's query starts with that filter."""

from __future__ import annotations

import json
from typing import Final

from grafana_foundation_sdk.builders.dashboard import QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import VariableHide, VariableOption, VariableRefresh

from panels import fields, sources

# Inside `field:( … )` it matches every record. A mere `*` would hide those that lack the field: calls without a user.
EVERYTHING: Final = "(*:*)"
CHOICES: Final = {
    "service": fields.SERVICE,
    "operation": fields.OPERATION,
    "provider": fields.PROVIDER,
    "model": fields.MODEL,
    "prompt": fields.PROMPT,
    "variant": fields.VARIANT,
    "user": fields.USER,
}
FILTER: Final = " AND ".join(f"{field}:${name}" for name, field in CHOICES.items())
SLOWER: Final = "slower_than"
JAEGER_PAGE: Final = "jaeger_page"


def choice(name: str, field: str) -> QueryVariable:
    """Any of the field's values in the chosen time; the most frequent ones first, for users can be many."""
    question = {"find": "terms", "field": field, "query": "*", "size": 1000, "orderBy": "doc_count"}
    chosen = ("All", "$__all") if name != "operation" else ("chat", "chat")
    return (
        QueryVariable(name)
        .label(name.capitalize())
        .datasource(sources.RECORDS)
        .query(json.dumps(question))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(EVERYTHING)
        .current(VariableOption(selected=True, text=[chosen[0]], value=[chosen[1]]))
    )


def written(name: str, label: str, value: str, *, hide: VariableHide) -> TextBoxVariable:
    """A value that a person may type, or a link may set."""
    return (
        TextBoxVariable(name)
        .label(label)
        .hide(hide)
        .default_value(value)
        .current(VariableOption(selected=True, text=value, value=value))
    )


def variables() -> list[QueryVariable | TextBoxVariable]:
    """All of them, in the order in which they are shown."""
    return [
        *(choice(name, field) for name, field in CHOICES.items()),
        written(SLOWER, "Requests of at least (s)", "0", hide=VariableHide.DONT_HIDE),
        written(JAEGER_PAGE, "Jaeger's page", "https://127.0.0.1:16686", hide=VariableHide.HIDE_VARIABLE),
    ]
