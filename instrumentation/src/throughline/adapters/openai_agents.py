"""OpenAI's agents' SDK: where runs, turns and tools pass. Its own tracing, which exports to OpenAI, is left alone."""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakKeyDictionary

from throughline.adapter import Adapter, Call, Patch, Route, Running
from throughline.adapters.openai_agents_steps import LocalTool, Run, StandIn, Tool, Turns, readable, step_of
from throughline.parts import get

_NEWEST, _OLDER = "_invoke_function_tool_with_metadata", "invoke_function_tool"
_known = sys.modules.get("agents.tool")
_INVOKE = _OLDER if _known is not None and not hasattr(_known, _NEWEST) else _NEWEST
_LOOP, _TOOLS = "agents.run_internal.run_loop", "agents.run_internal.tool_execution"
_STREAMED = ("streamed_result", "agent", "hooks", "context_wrapper", "run_config", "should_run_agent_start_hooks",
             "tool_use_tracker")  # fmt: skip


class OpenAIAgents(Adapter):
    """The `openai-agents` package, 0.12 and later.

    A run is a workflow, which `RunConfig.workflow_name` names; in it the agents follow each other. Patched is the
    run loop and not the SDK's tracing: that says nothing where the application switched it off.
    """

    run, turns, tool, local, stand_in = Run(), Turns(), Tool(), LocalTool(), StandIn()
    patches = (
        Patch("agents.run:AgentRunner.run"),
        Patch("agents.run:start_streaming"),
        Patch("agents.run:run_single_turn"),
        Patch(f"{_LOOP}:run_single_turn_streamed"),
        Patch(f"{_TOOLS}:{_INVOKE}"),
        Patch("agents.run_internal.tool_actions:with_tool_function_span"),
        Patch("agents.tool:maybe_invoke_function_tool_failure_error_function", "seen"),
        Patch(f"{_LOOP}:get_response_with_retry"),
        Patch(f"{_LOOP}:stream_response_with_retry"),
    )

    def __init__(self) -> None:
        self._agents: WeakKeyDictionary[Any, tuple[Any, Running]] = WeakKeyDictionary()  # of each run, by what it keeps
        self._streamed: WeakKeyDictionary[Running, Any] = WeakKeyDictionary()

    def route(self, call: Call) -> Route | None:
        """By what was called."""
        match call.point:
            case "AgentRunner.run":
                return Route(self.run, call.named("starting_agent", "input"), None)
            case "start_streaming":
                return Route(self.run, call.named("starting_input", "streamed_result", "starting_agent"), None)
            case "run_single_turn" | "run_single_turn_streamed":
                return self._turn(call)
            case "with_tool_function_span":
                return Route(self.local, call.kwargs, None)
            case "get_response_with_retry":
                return self._model(call.kwargs["get_response"], stream=False)
            case "stream_response_with_retry":
                return self._model(call.kwargs["get_stream"], stream=True)
        return Route(self.tool, call.kwargs, None)

    def prepare(self, call: Call, running: Running) -> None:
        """A turn begins an agent's operation: its later turns will find it. A streamed run ends in what is at hand."""
        if call.point == "start_streaming":
            self._streamed[running] = streamed = call.named("starting_input", "streamed_result")["streamed_result"]
            running.seen(streamed)
        if running.reader is self.turns:
            named = _turn_of(call)
            self._agents[named["tool_use_tracker"]] = (named["agent"], running)

    def deliver(self, result: Any, running: Running) -> Any:
        """An agent goes on where its turn asked for tools."""
        if running.reader is self.turns and step_of(result) == "NextStepRunAgain":
            running.seen(result)
            running.last()
        elif (error := _kept_back(self._streamed.pop(running, None))) is not None:
            running.fail(error)
        else:
            running.finish(result)
        return result

    def saw(self, call: Call, result: Any, running: Running | None) -> None:
        """A tool raised; the SDK may tell the model so instead of raising."""
        del result
        if running is not None and running.reader is self.tool and (error := call.kwargs.get("error")) is not None:
            running.fail(error)

    def _turn(self, call: Call) -> Route:
        named = _turn_of(call)
        agent, before = self._agents.get(named["tool_use_tracker"], (None, None))
        return Route(self.turns, named, None, again=before if agent is named["agent"] else None)

    def _model(self, ask: Any, *, stream: bool) -> Route:
        """The SDK hands the call over as a function, whose surroundings hold the request."""
        cells = zip(ask.__code__.co_freevars, ask.__closure__ or (), strict=False)
        around = {name: cell.cell_contents for name, cell in cells}
        model, settings = around.get("model"), around.get("model_settings")
        name = get(model, "model")
        body = {
            "model": name if isinstance(name, str) else None,
            "stream": stream,
            "instructions": get(around, "filtered.instructions"),
            "input": readable(get(around, "filtered.input")),
            "temperature": get(settings, "temperature"),
            "top_p": get(settings, "top_p"),
            "max_output_tokens": get(settings, "max_tokens"),
            "reasoning": {"effort": get(settings, "reasoning.effort")},
            "conversation": around.get("conversation_id"),
            "previous_response_id": around.get("previous_response_id"),
        }
        provider = type(model).__name__.lower().removesuffix("model") or "model"
        return Route(self.stand_in, body, provider)


def _kept_back(streamed: Any) -> BaseException | None:
    """Why a streamed run that came to its end failed all the same, which the SDK tells only who reads the stream."""
    errors = sys.modules.get("agents.exceptions")
    if streamed is None or errors is None:
        return None
    stored: BaseException | None = getattr(streamed, "_stored_exception", None)
    if stored is not None:
        return stored
    tripped = [one for one in streamed.input_guardrail_results if one.output.tripwire_triggered]
    if tripped:
        raised: BaseException = errors.InputGuardrailTripwireTriggered(tripped[0])
        return raised
    limit, handled = streamed.max_turns, getattr(streamed, "_max_turns_handled", False)
    if limit is not None and streamed.current_turn > limit and not handled:
        exceeded: BaseException = errors.MaxTurnsExceeded(f"more than {limit} turns")
        return exceeded
    return None


def _turn_of(call: Call) -> dict[str, Any]:
    """A turn's arguments by name; which agent it is, the newer versions say in two ways."""
    named = call.named(*_STREAMED)
    agent = named.pop("bindings", None) or named.get("agent")
    return {**named, "agent": getattr(agent, "public_agent", agent)}
