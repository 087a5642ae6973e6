"""Alerts on the evidence: a chain with a hole or an alteration, and personal data that only the second pass masked."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from panels import fields, sources
from panels.figures import NONE
from panels.queries import ask, by, calls, total
from throughline import names

from alerts.rule import HOUR, MINUTE, Question, Rule

_SERVICE: Final = '{{ index .Labels "' + fields.SERVICE + '" }}'


def _counted(source: DataSourceRef, only: str) -> Dataquery:
    """How many documents each service has, and how many are no service's, as those outside of any chain are."""
    return ask([calls()], [by(fields.SERVICE, size=100, missing=NONE)], of=only, source=source)


_BROKEN: Final = f'{fields.EVENT}:"{names.VERIFICATION}" AND {fields.VERDICT}:broken'
_GAP: Final = f'{fields.EVENT}:"{names.CHAIN_GAP}"'
_LET_THROUGH: Final = ask(
    [total(fields.SECOND_PASS, "1")],
    [by(fields.SERVICE, size=100, missing=NONE)],
    of=f"_exists_:{fields.SECOND_PASS}",
    source=sources.OPERATIONS,
)

RULES: Final = (
    Rule(
        name="chain-gap",
        title="Records were dropped from a chain",
        summary=f"{_SERVICE}: its spool was full, and records were dropped or refused",
        severity="page",
        questions=(Question("gaps", 15 * MINUTE, _counted(sources.AUDIT, _GAP)),),
        condition="$gaps > 0",
        pending="0s",
        board="audit",
    ),
    Rule(
        name="chain-broken",
        title="A chain of records does not verify",
        summary=f"{_SERVICE}: the last verification found records missing or altered",
        severity="page",
        questions=(Question("broken", HOUR, _counted(sources.REPORTS, _BROKEN)),),
        condition="$broken > 0",
        pending="0s",
        board="audit",
    ),
    Rule(
        name="unmasked",
        title="Personal data left an application unmasked",
        summary=f"{_SERVICE}: the Collector masked what the application had let through",
        severity="page",
        questions=(Question("values", 15 * MINUTE, _LET_THROUGH),),
        condition="$values > 0",
        pending="0s",
        board="audit",
    ),
)
