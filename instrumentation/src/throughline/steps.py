"""What an application does beside calling models: its own steps, tools, agents and workflows, as it says by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from throughline.adapter import Reader
from throughline.by_hand import recorded
from throughline.operation import Operation


@dataclass(slots=True)
class Ran:
    """A tool's run; the application fills `result`. It and the arguments are recorded only where content is."""

    name: str
    call_id: str | None = None
    arguments: Any = None
    result: Any = None


class _ByHand(Reader):
    kind, encloses = "internal", True


class _Step(_ByHand):
    operation = measures = "step"

    def request(self, op: Operation, body: Any) -> None:
        op.name = body.name


class _Tool(_ByHand):
    operation = "execute_tool"
    params = {"tool_name": "name", "tool_call_id": "call_id"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "function"

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = body.arguments

    def response_content(self, op: Operation, body: Any) -> None:
        op.tool_result = getattr(body, "result", None)


class _Workflow(_ByHand):
    operation = "invoke_workflow"
    params = {"workflow_name": "name"}


class _Agent(_ByHand):
    operation = "invoke_agent"
    params = {"agent_name": "name"}


_STEP, _TOOL, _WORKFLOW, _AGENT = _Step(), _Tool(), _Workflow(), _Agent()


def step(name: str) -> AbstractContextManager[None]:
    """Record what runs inside as a step of this name, such as `build_prompt`: how long it took, and whether it failed.

    Steps stand beside each other, and beside model calls, retrievals and tools: shares of time by operation add up only
    where none of these is inside another. The name is one of a few that the application has, and no content.
    """
    return recorded(_STEP, Ran(name))


@contextmanager
def tool(name: str, *, call_id: str | None = None, arguments: Any = None) -> Iterator[Ran]:
    """Record what runs inside as the run of a tool, which `call_id` ties to the model's wish for it.

    `arguments`, and the `result` that the application puts on what it gets, are recorded only where content is
    captured. Model calls inside are totalled on it.
    """
    ran = Ran(name, call_id, arguments)
    with recorded(_TOOL, ran):
        yield ran


def workflow(name: str) -> AbstractContextManager[None]:
    """Record what runs inside as a workflow, such as all that one request takes, with the totals of its model calls."""
    return recorded(_WORKFLOW, Ran(name))


def agent(name: str) -> AbstractContextManager[None]:
    """Record what runs inside as one run of this agent, with the totals of its model calls and tools."""
    return recorded(_AGENT, Ran(name))
