"""What an alert rule is made of, and its form in Grafana's provisioning file; the rules are in modules by subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models.alerting import RelativeTimeRange

EXPRESSION: Final = "__expr__"
FIRING: Final = "firing"
RUNBOOKS: Final = Path(__file__).parent / "runbooks"
_GRAFANA: Final = "{{ externalURL }}"
"""Where this Grafana is, with a slash at its end: whoever reads a message elsewhere has no page to be relative to."""
MINUTE, HOUR, DAY = 60, 3600, 86_400
NoData = Literal["Alerting", "NoData", "OK"]
_WHERE_THERE_IS_ONE: Final = expr.ExprTypeReduceSettings().mode("dropNN")


@dataclass(frozen=True, slots=True)
class Question:
    """A query over the last so many seconds; `name` is what the condition calls its number, as `$name`.

    `of_points` makes one number of a query for points in time, of those that there are. Added up, they are the way to a
    0: of groups Grafana sees only those that there are.
    """

    name: str
    seconds: int
    query: Dataquery
    of_points: Literal["sum", "min", "last"] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on numbers that holds for `pending` before anybody is told.

    Where a question has no answer, the rule as a whole has none, and `no_data` says what that means. A share of bad
    calls has none where nothing was bad, which is well; silence of the pipeline itself is not.
    """

    name: str
    title: str
    summary: str
    """With what is known of the instance, as Go's templates write it. A `$` would be Grafana's environment."""
    severity: Literal["page", "ticket"]
    questions: tuple[Question, ...]
    condition: str
    """Mathematics over the questions' numbers; anything but 0 fires."""
    pending: str
    board: str
    """Where to look first."""
    no_data: NoData = "OK"

    @property
    def uid(self) -> str:
        """Fixed, so that silences and links stay."""
        return f"throughline-{self.name}"

    @property
    def runbook(self) -> str:
        """What to do, in Markdown. Raises FileNotFoundError for a rule without."""
        return (RUNBOOKS / f"{self.name}.md").read_text()

    def built(self, place: int) -> dict[str, Any]:
        """As a provisioning file has it; its place among all rules is that of its runbook on the board, from 1 on."""
        rule = (
            alerting.Rule(self.title)
            .uid(self.uid)
            .condition(FIRING)
            .queries([*(query for question in self.questions for query in _asked(question)), self._firing()])
            .for_val(self.pending)
            .no_data_state(self.no_data)
            .exec_err_state("Error")
            .labels({"severity": self.severity, "application": "throughline"})
            .annotations(self._told(place))
            .build()
            .to_json()
        )
        unknown = ("folderUID", "orgID", "ruleGroup")  # what a file says once for the group
        return {name: value for name, value in rule.items() if name not in unknown}

    def _firing(self) -> alerting.Query:
        return _computed(FIRING, expr.TypeMath().expression(self.condition))

    def _told(self, place: int) -> dict[str, str]:
        return {
            "summary": self.summary,
            "runbook_url": f"{_GRAFANA}d/throughline-runbooks?viewPanel=panel-{place}",
            "board": f"{_GRAFANA}d/throughline-{self.board}",
        }


def _asked(question: Question) -> Iterator[alerting.Query]:
    name = f"{question.name}_points" if question.of_points else question.name
    query = question.query.ref_id(name)
    source = query.build().datasource
    uid = str(source and source.uid)
    window = RelativeTimeRange(from_val=question.seconds, to=0)
    yield alerting.Query(name).datasource_uid(uid).relative_time_range(window).model(query)
    if question.of_points:
        reduced = expr.TypeReduce().expression(name).reducer(question.of_points)
        yield _computed(question.name, reduced.settings(_WHERE_THERE_IS_ONE))


def _computed(name: str, expression: expr.TypeMath | expr.TypeReduce) -> alerting.Query:
    window = RelativeTimeRange(from_val=0, to=0)
    computed = alerting.Query(name).datasource_uid(EXPRESSION).relative_time_range(window)
    return computed.model(expression.ref_id(name))


def provisioned(rules: Iterable[Rule]) -> dict[str, Any]:
    """The file's content: one group, looked at each minute."""
    group = {
        "orgId": 1,
        "name": "Throughline",
        "folder": "Throughline",
        "interval": "1m",
        "rules": [rule.built(place) for place, rule in enumerate(rules, 1)],
    }
    return {"apiVersion": 1, "groups": [group]}
