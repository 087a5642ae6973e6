"""Pydantic AI: runs of agents, their tools, embedders, and models that no client below records.

A run is entered and left by `async with`, whoever does that; between the two, its steps belong to it and the body of
the application does not. An agent that traces itself (`instrument`) is left to its own spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.pydantic_ai_messages import (
    answer,
    definitions,
    finish_reason,
    instructions,
    plain,
    read_messages,
    read_prompt,
    read_response,
)
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member
from throughline.servers import server

_GRAPH, _MODELS = "pydantic_ai._agent_graph", "pydantic_ai.models"
_STREAM = f"{_MODELS}._continuation:_ContinuationStreamedResponse"
_PROVIDERS = {  # as Pydantic AI calls them → as the conventions do
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-cloud": "gcp.vertex_ai",
    "google-vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshotai": "moonshot_ai",
    "xai": "x_ai",
}
_OWN_CLASSES = {"function": "FunctionModel", "groq": "GroqModel", "huggingface": "HuggingFaceModel",
                "mcp_sampling": "MCPSamplingModel", "test": "TestModel", "xai": "XaiModel"}  # fmt: skip
"""Models over clients that are not recorded, for whoever calls them without an agent."""
_SETTINGS = ("temperature", "max_tokens", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty",
             "stop_sequences")  # fmt: skip


class Run(Reader):
    """One run of an agent, from when it is entered until it is left."""

    operation, kind, encloses = "invoke_agent", "internal", True

    def request(self, op: Operation, body: Any) -> None:
        op.conversation_id = op.conversation_id or fitting(body["given"].get("conversation_id"), str)
        op.agent_name = fitting(body["agent"].name, str)
        op.agent_description = fitting(getattr(body["agent"], "description", None), str)
        op.model = _name_of(body["given"].get("model") or body["agent"].model)

    def request_content(self, op: Operation, body: Any) -> None:
        given = body["given"]
        op.input = [*read_messages(given.get("message_history")), *read_prompt(given.get("user_prompt"))]

    def response(self, op: Operation, body: Any) -> None:
        response = _last(body)
        reason = finish_reason(response) or ("stop" if _result(body) is not None else None)
        op.finish_reasons = [reason] if reason else None
        if op.end_reason == "completed" and _result(body) is None:
            op.end_reason = "closed"  # left before there was a result
        elif type(get(_result(body), "output")).__name__ == "DeferredToolRequests":
            op.end_reason = "interrupted"  # somebody else is to run or allow its tools

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = answer(_last(body), (op.finish_reasons or [op.end_reason or "error"])[0])
        op.system = instructions(_history(body))


def _result(run: Any) -> Any:
    return getattr(run, "result", None)


def _history(run: Any) -> list[Any]:
    history: list[Any] = run._graph_run.state.message_history
    return history


def _last(run: Any) -> Any:
    """The last response of a run, however it ended."""
    return next((one for one in reversed(_history(run)) if member(one, "kind") == "response"), None)


class Tool(Reader):
    """A tool's run; what is not allowed yet, or done elsewhere, only interrupts it."""

    operation, kind, encloses = "execute_tool", "internal", True
    pauses = frozenset({"CallDeferred", "ApprovalRequired"})
    params = {
        "tool_name": "call.tool_name",
        "tool_call_id": "call.tool_call_id",
        "tool_description": "tool.tool_def.description",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "function"

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = plain(body["arguments"])

    def response_content(self, op: Operation, body: Any) -> None:
        told = body.return_value if type(body).__name__ == "ToolReturn" else body
        op.tool_result = plain(told)

    def error(self, op: Operation, error: BaseException) -> str | None:
        """What the tool raised, where Pydantic AI makes a message to the model of it."""
        del op
        cause = error.__cause__ if type(error).__name__ in ("ToolRetryError", "ToolFailedError") else None
        return None if cause is None else type(cause).__qualname__


class Model(Reader):
    """A model's request, where no client below records it."""

    gives_way = True
    params = {name: f"settings.{name}" for name in _SETTINGS}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.model, op.stream = body["name"], True if body["stream"] else None

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = read_messages(body["messages"])
        op.system = instructions(body["messages"])
        op.tools = definitions(items(body["parameters"], "function_tools"))

    def response(self, op: Operation, body: Any) -> None:
        """A stream is asked for what it made of its chunks."""
        response = _whole(body)
        read_response(op, response)
        if op.end_reason == "completed" and get(response, "state") in ("incomplete", "interrupted"):
            op.end_reason = "closed"

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = answer(_whole(body), (op.finish_reasons or [op.end_reason or "stop"])[0])


def _whole(body: Any) -> Any:
    return body.get() if hasattr(type(body), "get") and not isinstance(body, dict) else body


class Estimating(Model):
    """The request of a model that invents its token counts."""

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        op.usage_estimated = True if op.input_tokens is not None else None


class Embedding(Reader):
    """An embedder's request, where no client below records it."""

    operation, gives_way = "embeddings", True

    def request(self, op: Operation, body: Any) -> None:
        op.model = fitting(body.model_name, str)

    def response(self, op: Operation, body: Any) -> None:
        op.response_model = fitting(member(body, "model_name"), str)
        op.response_id = fitting(member(body, "provider_response_id"), str)
        op.input_tokens = fitting(get(body, "usage.input_tokens"), int) or None
        vectors = member(body, "embeddings") or ()
        op.dimension_count = len(vectors[0]) if vectors else None


class PydanticAI(Adapter):
    """The `pydantic-ai` package, 2.20 and later: what it asks of a model passes two functions of its graph."""

    holds_managers = True

    run, tool, model, estimating, embedding = Run(), Tool(), Model(), Estimating(), Embedding()
    patches = (
        Patch("pydantic_ai.agent:Agent.iter"),
        Patch("pydantic_ai.run:AgentRun.next", "inside"),
        Patch("pydantic_ai.run:AgentRun.__anext__", "inside"),
        Patch(f"{_GRAPH}:CallToolsNode._run_stream", "inside"),
        Patch(f"{_GRAPH}:process_tool_calls", "inside"),
        *(Patch(f"{_STREAM}.{name}", "inside") for name in ("_get_event_iterator", "aclose")),
        Patch(f"{_STREAM}.prime", "inside", optional=True),
        Patch("pydantic_ai.tool_manager:ToolManager.execute_tool_call"),
        Patch(f"{_GRAPH}:model_request"),
        Patch(f"{_GRAPH}:model_request_stream"),
        Patch("pydantic_ai.embeddings:Embedder.embed", late=True),
        *(
            Patch(f"{_MODELS}.{module}:{name}.{way}", late=True)
            for module, name in _OWN_CLASSES.items()
            for way in ("request", "request_stream")
        ),
    )

    def __init__(self) -> None:
        self._runs: WeakValueDictionary[str, Running] = WeakValueDictionary()  # by the id of a run

    def route(self, call: Call) -> Route | None:
        """By what was called."""
        match call.point:
            case "Agent.iter":
                return self._run(call)
            case "ToolManager.execute_tool_call":
                return self._tool(call)
            case "Embedder.embed":
                model = call.instance._get_model()
                return Route(self.embedding, model, *_place(model))
            case "model_request" | "model_request_stream":
                asked = call.kwargs["request_context"]
                settings, parameters = asked.model_settings, asked.model_request_parameters
                return self._model(call.named("model")["model"], asked.messages, settings, parameters, call.point)
        given = call.named("messages", "model_settings", "model_request_parameters")
        settings, parameters = given.get("model_settings"), given.get("model_request_parameters")
        return self._model(call.instance, given["messages"], settings, parameters, call.point)

    def deliver(self, result: Any, running: Running) -> Any:
        """An `async with` ends when it is left, not when it is entered."""
        if running.reader is self.run:
            self._runs[result.run_id] = running
            running.op.conversation_id = running.op.conversation_id or fitting(result.conversation_id, str)
            running.seen(result)
        elif hasattr(result, "__aiter__"):
            running.seen(result)
        else:
            running.finish(result)
        return result

    def inside(self, call: Call) -> Running | None:
        """The run that is stepped, or that what comes with the call belongs to."""
        match call.point:
            case "AgentRun.next" | "AgentRun.__anext__":
                run = call.instance.run_id
            case "ToolManager.execute_tool_call":
                run = call.instance.ctx.run_id
            case "model_request" | "model_request_stream":
                run = call.kwargs["run_context"].run_id
            case "process_tool_calls" | "CallToolsNode._run_stream":
                run = call.named("ctx")["ctx"].state.run_id
            case point if point.startswith("_ContinuationStreamedResponse"):
                run = call.instance.run_context.run_id
            case _:
                return None
        return self._runs.get(run)

    def _run(self, call: Call) -> Route | None:
        given = call.named("user_prompt")
        if _traces_itself(call.instance, given):
            return None
        return Route(self.run, {"agent": call.instance, "given": given}, None)

    def _tool(self, call: Call) -> Route | None:
        validated = call.named("validated")["validated"]
        refused = not validated.args_valid or getattr(validated, "deferral", None) is not None
        if refused or type(get(validated, "ctx.tracer")).__name__ != "NoOpTracer":
            return None
        body = {"call": validated.call, "tool": validated.tool, "arguments": validated.validated_args}
        return Route(self.tool, body, None)

    def _model(self, model: Any, messages: Any, settings: Any, parameters: Any, point: str) -> Route:
        body = {
            "name": fitting(model.model_name, str),
            "messages": messages,
            "settings": {**(getattr(model, "settings", None) or {}), **(settings or {})},
            "parameters": parameters,
            "stream": point.endswith("stream"),
        }
        invents = type(model).__name__ in ("FunctionModel", "TestModel")
        return Route(self.estimating if invents else self.model, body, *_place(model))


def _place(model: Any) -> tuple[str | None, str | None, int | None]:
    """A model's provider, and where its server is."""
    system = fitting(getattr(model, "system", None), str)
    return _PROVIDERS.get(system or "", system), *server(fitting(getattr(model, "base_url", None), str) or "")


def _name_of(model: Any) -> str | None:
    """`openai:gpt-4o` names a provider and a model; a model's object has its name."""
    name: str | None = fitting(getattr(model, "model_name", model), str)
    return name.rpartition(":")[2] if name and isinstance(model, str) else name


def _traces_itself(agent: Any, given: Mapping[str, Any]) -> bool:
    """Whether the application switched on Pydantic AI's own spans for this agent."""
    own = agent._instrument if agent._instrument is not None else agent._instrument_default
    model = given.get("model") or agent.model
    capabilities = [*items(agent, "root_capability.capabilities"), *(given.get("capabilities") or ())]
    names = {type(one).__name__ for one in capabilities}
    return bool(own) or type(model).__name__ == "InstrumentedModel" or "Instrumentation" in names
