"""What the model calls and tools inside an agent, a workflow or a tool come to. Counts only what reports to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from throughline.adapter import Reader
from throughline.operation import Operation

_STEPS_ON_THE_WAY = {"invoke_workflow", "plan", "step"}  # what is called inside is called by the agent around them
MODEL_CALLS = ("chat", "generate_content", "text_completion")  # one call by three names


@dataclass(slots=True)
class _Inner:
    """One operation inside, with what was inside that."""

    model_calls: int
    tools: int
    input_tokens: int | None  # None: nobody told any
    output_tokens: int | None
    costs: dict[str, float]  # by currency
    unpriced: bool
    own_model_calls: int
    own_tools: int


@dataclass(slots=True)
class Totals:
    """Filled by the operations inside as they end, in whatever thread."""

    _inner: list[_Inner] = field(default_factory=list)

    def add(self, op: Operation, inside: Totals | None, reader: Reader) -> None:
        """`op`, read by `reader`, ended within; `inside` is what was within that."""
        self._inner.append(_of(op) if inside is None else _with(op, inside, reader))

    @property
    def own_model_calls(self) -> int:
        """Model calls that the operation made itself: none of its tools' or of other agents' inside."""
        return self._sum("own_model_calls")

    @property
    def own_tools(self) -> int:
        """Tools that it ran itself."""
        return self._sum("own_tools")

    def fill(self, op: Operation) -> None:
        """Write the totals on the operation that encloses; usage that it reports by itself stays."""
        if calls := self._sum("model_calls"):
            op.total_inference_calls = calls
            op.total_input_tokens, op.total_output_tokens = self._told("input_tokens"), self._told("output_tokens")
            costs = self._costs()
            if len(costs) == 1 and not any(inner.unpriced for inner in self._inner):
                ((op.cost_currency, op.total_cost),) = costs.items()
            if op.name == "invoke_agent" and op.input_tokens is None and op.output_tokens is None:
                op.input_tokens, op.output_tokens = op.total_input_tokens, op.total_output_tokens
        op.total_tool_calls = self._sum("tools") or None

    def _sum(self, name: str) -> int:
        return sum(getattr(inner, name) for inner in self._inner)

    def _told(self, name: str) -> int | None:
        """The sum of what was told; None where nobody told any."""
        told = [count for inner in self._inner if (count := getattr(inner, name)) is not None]
        return sum(told) if told else None

    def _costs(self) -> dict[str, float]:
        return _added(inner.costs for inner in self._inner)


def _added(several: Iterable[dict[str, float]]) -> dict[str, float]:
    whole: dict[str, float] = {}
    for costs in several:
        for currency, amount in costs.items():
            whole[currency] = whole.get(currency, 0.0) + amount
    return whole


def _of(op: Operation) -> _Inner:
    called = int(op.name in MODEL_CALLS)
    costs = {op.cost_currency: op.cost} if op.cost is not None and op.cost_currency else {}
    unpriced = not costs and bool(op.input_tokens or op.output_tokens)
    return _Inner(called, 0, op.input_tokens, op.output_tokens, costs, unpriced, called, 0)


def _with(op: Operation, inside: Totals, reader: Reader) -> _Inner:
    tool = int(op.name == "execute_tool" and reader.kind != "server")  # that is the other side of what called it
    passes = bool({op.name, reader.operation} & _STEPS_ON_THE_WAY)
    inner = inside._inner
    return _Inner(
        model_calls=inside._sum("model_calls"),
        tools=inside._sum("tools") + tool,
        input_tokens=inside._told("input_tokens"),
        output_tokens=inside._told("output_tokens"),
        costs=inside._costs(),
        unpriced=any(one.unpriced for one in inner),
        own_model_calls=inside.own_model_calls if passes else 0,
        own_tools=tool + (inside.own_tools if passes else 0),
    )
