"""One evaluation of an alert rule as Grafana's server does it: its queries' answers to the states of its instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from preview.expressions import computed, is_expression, reads, values_of
from preview.formulas import NoData, Number, Series, Value
from preview.frames import Frame, GrafanaError, Plain


class State(StrEnum):
    """Of one instance, before `for` makes it wait."""

    NORMAL = "Normal"
    ALERTING = "Alerting"
    NO_DATA = "NoData"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Instance:
    """What a rule says of one set of labels, and the numbers that annotations may name: by their queries' letters."""

    state: State
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float | None] = field(default_factory=dict)
    error: str = ""


Answer = Callable[[Plain], Sequence[Frame]]
"""Puts one entry of a rule's `data` to its data source; its frames keep their labels."""


def evaluate(rule: Plain, answer: Answer) -> list[Instance]:
    """The instances of a rule as a provisioning file has it, before `noDataState` and `execErrState` are applied.

    One query without any data makes the whole rule NoData, whether the condition needs it or not. A value of nothing
    is NoData, 0 is Normal, everything else is Alerting.
    """
    queries = {query["refId"]: query for query in rule["data"]}
    try:
        found = _computed(queries, answer)
        condition = _chosen(rule["condition"], found)
    except GrafanaError as error:
        return [Instance(State.ERROR, error=str(error))]
    if missing := _without_data(queries, found):
        return missing
    return _unique([_instance(value, found) for value in condition] or [Instance(State.NO_DATA)])


def _chosen(condition: str, found: Mapping[str, list[Value]]) -> list[Value]:
    if condition not in found:
        raise GrafanaError(f"condition {condition} does not exist, must be one of {sorted(found)}")
    return found[condition]


def settled(rule: Plain, instance: Instance) -> str:
    """The state that the rule's own settings make of it: `Alerting`, `Normal`, `NoData`, `Error` or `KeepLast`."""
    setting = {State.NO_DATA: ("noDataState", "NoData"), State.ERROR: ("execErrState", "Error")}.get(instance.state)
    if setting is None:
        return str(instance.state)
    chosen = str(rule.get(setting[0], setting[1]))
    return {"OK": "Normal", "Ok": "Normal"}.get(chosen, chosen)


def _computed(queries: Mapping[str, Plain], answer: Answer) -> dict[str, list[Value]]:
    """The values of all, each after what it reads."""
    needs = {ref: reads(query["model"]) if is_expression(query) else [] for ref, query in queries.items()}
    for ref, needed in needs.items():
        if unknown := set(needed) - set(queries):
            raise GrafanaError(f"expression {ref}: no query or expression {', '.join(sorted(unknown))}")
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError:
        raise GrafanaError("expressions that read each other in a circle") from None
    found: dict[str, list[Value]] = {}
    for ref in order:
        query = queries[ref]
        found[ref] = computed(query["model"], found) if is_expression(query) else values_of(answer(query))
    return found


def _without_data(queries: Mapping[str, Plain], found: Mapping[str, list[Value]]) -> list[Instance]:
    """One instance for each data source that answered a query with nothing."""
    silent: dict[str, list[str]] = {}
    for ref in sorted(queries):
        if not is_expression(queries[ref]) and len(found[ref]) == 1 and isinstance(found[ref][0], NoData):
            silent.setdefault(queries[ref]["datasourceUid"], []).append(ref)
    return [Instance(State.NO_DATA, {"datasource_uid": uid, "ref_id": ",".join(refs)}) for uid, refs in silent.items()]


def _instance(value: Value, found: Mapping[str, list[Value]]) -> Instance:
    match value:
        case Series():
            return Instance(State.ERROR, error="looks like time series data, only reduced data can be alerted on.")
        case Number(None, labels):
            return Instance(State.NO_DATA, labels, _captured(labels, found))
        case Number(number, labels):
            return Instance(State.ALERTING if number else State.NORMAL, labels, _captured(labels, found))
        case _:
            return Instance(State.NO_DATA)


def _captured(labels: Mapping[str, str], found: Mapping[str, list[Value]]) -> dict[str, float | None]:
    """The numbers of all queries and expressions with these labels, or some or more of them."""
    captured: dict[str, float | None] = {}
    for ref, values in found.items():
        numbers = [value for value in values if isinstance(value, Number)]
        alike = [value for value in numbers if value.labels == labels]
        near = [
            value
            for value in numbers
            if value.labels.items() <= labels.items() or labels.items() <= value.labels.items()
        ]
        for value in alike or near:
            captured[ref] = value.value
    return captured


def _unique(instances: list[Instance]) -> list[Instance]:
    """Two instances under the same labels are an error of the whole rule."""
    seen: list[Mapping[str, str]] = []
    for instance in instances:
        if instance.labels in seen:
            labels = ", ".join(f"{key}={value}" for key, value in sorted(instance.labels.items()))
            told = f"frame cannot uniquely be identified by its labels: has duplicate results with labels {{{labels}}}"
            return [Instance(State.ERROR, instance.labels, error=told)]
        seen.append(instance.labels)
    return instances
