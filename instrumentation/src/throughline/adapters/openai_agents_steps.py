"""What a run of the agents' SDK says of its steps: the run, its agents, their tools, a model that no client records."""

from __future__ import annotations

from typing import Any, ClassVar

from throughline.adapter import Reader
from throughline.adapters.openai_responses import Responses
from throughline.operation import Operation
from throughline.parts import function_tool, get, items, message, parsed, text

_RESPONSES = Responses()
_UNNAMED = "Agent workflow"


class Run(Reader):
    """One run from its input to its final output, whatever number of agents takes part."""

    operation, kind, encloses = "invoke_workflow", "internal", True

    def request(self, op: Operation, body: Any) -> None:
        op.workflow_name = get(body, "run_config.workflow_name") or _UNNAMED
        op.conversation_id = op.conversation_id or conversation(body)

    def request_content(self, op: Operation, body: Any) -> None:
        _asked(op, get(body, "input") or get(body, "starting_input"))

    def response(self, op: Operation, body: Any) -> None:
        if get(body, "interruptions"):
            op.end_reason = "interrupted"

    def response_content(self, op: Operation, body: Any) -> None:
        _answered(op, get(body, "final_output"))


class Turns(Reader):
    """One agent's turns, from when it takes over to when it answers or hands over."""

    operation, kind, encloses = "invoke_agent", "internal", True

    def request(self, op: Operation, body: Any) -> None:
        agent = body["agent"]
        op.agent_name = get(agent, "name")
        op.agent_description = get(agent, "handoff_description")
        model = get(agent, "model")
        op.model = model if isinstance(model, str) else get(model, "model")
        op.conversation_id = op.conversation_id or conversation(body)

    def request_content(self, op: Operation, body: Any) -> None:
        instructions = get(body["agent"], "instructions")
        op.system = [text(instructions)] if isinstance(instructions, str) else None
        _asked(op, get(body, "original_input") or get(body, "streamed_result.input"))
        op.tools = [offered(tool) for tool in items(body["agent"], "tools")]

    def response(self, op: Operation, body: Any) -> None:
        """How the last turn ended: with an answer, by handing over, or waiting for somebody to approve."""
        match step_of(body):
            case "NextStepFinalOutput":
                op.finish_reasons = ["stop"]
            case "NextStepHandoff":
                op.finish_reasons = ["tool_call"]
            case "NextStepInterruption":
                op.finish_reasons, op.end_reason = ["tool_call"], "interrupted"

    def response_content(self, op: Operation, body: Any) -> None:
        said = get(body, "model_response.output")
        _RESPONSES.response_content(op, {"output": said, "status": "completed"})


class Tool(Reader):
    """A function that the application offers, another agent or a server's tool as well."""

    operation, kind, encloses = "execute_tool", "internal", True
    params = {
        "tool_name": "function_tool.name",
        "tool_description": "function_tool.description",
        "tool_call_id": "context.tool_call_id",
        "agent_name": "context.agent.name",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "function"

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = parsed(get(body, "arguments"))

    def response_content(self, op: Operation, body: Any) -> None:
        wrapped = type(body).__name__ == "_FunctionToolInvocationResult"
        if not op.error_type:
            op.tool_result = {"result": parsed(body.output if wrapped else body)}


class LocalTool(Reader):
    """A tool of the provider's kind that runs here: a shell, a computer, a patch."""

    operation, kind, encloses = "execute_tool", "internal", True
    params = {"tool_name": "tool_name"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "extension"


class StandIn(Responses):
    """A model's call, where no client below records it: the SDK speaks of every model in the terms of responses."""

    gives_way = True
    constants: ClassVar[dict[str, Any]] = {}
    results: ClassVar[dict[str, Any]] = {**Responses.results, "response_id": "id | response_id"}

    def response(self, op: Operation, body: Any) -> None:
        whole = get(body, "status") is None and get(body, "output") is not None
        super().response(op, {**_plain(body), "status": "completed"} if whole else body)
        if get(body, "usage.requests") == 0:  # what the SDK writes where a model says nothing of its usage
            op.input_tokens = op.output_tokens = op.cache_read_tokens = op.reasoning_tokens = None
        for zero in ("cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"):
            if op.__dict__.get(zero) == 0:
                setattr(op, zero, None)


def conversation(body: Any) -> str | None:
    """The provider's conversation, the SDK's session, or the group that the application named, in this order."""
    for path in ("conversation_id", "server_conversation_tracker.conversation_id", "session.session_id",
                 "run_config.group_id"):  # fmt: skip
        if isinstance(value := get(body, path), str):
            return value
    return None


def readable(given: Any) -> Any:
    """The input without what is no item: the SDK passes on whatever it gets."""
    return [item for item in given if not isinstance(item, (list, tuple))] if isinstance(given, list) else given


def step_of(result: Any) -> str:
    """What comes after a turn, by the name of its class."""
    return type(get(result, "next_step")).__name__


def offered(tool: Any) -> dict[str, Any]:
    """A tool offered to the model; one of the provider's has but a name."""
    if get(tool, "params_json_schema") is None:
        return {"type": str(get(tool, "type") or "tool"), "name": str(getattr(tool, "name", ""))}
    return function_tool(get(tool, "name"), get(tool, "description"), get(tool, "params_json_schema"))


def _asked(op: Operation, given: Any) -> None:
    if isinstance(given, (str, list)):
        kept = Operation()
        _RESPONSES.request_content(kept, {"input": readable(given)})
        op.input = kept.input


def _answered(op: Operation, output: Any) -> None:
    if output is not None:
        said = parsed(output)
        op.output = [message("assistant", [text(said if isinstance(said, str) else str(said))], finish_reason="stop")]


def _plain(body: Any) -> dict[str, Any]:
    return {name: get(body, name) for name in ("id", "response_id", "output", "usage", "model")}
