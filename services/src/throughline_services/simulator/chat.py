"""Chat completions, OpenAI's and Azure's: JSON in, JSON out; decides neither text nor timing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from throughline_services.simulator.behaviour import Fate
from throughline_services.simulator.content import plain
from throughline_services.simulator.generation import Generated, Identifiers, Request, Tool, generate
from throughline_services.simulator.models import profile
from throughline_services.simulator.tokens import Tokens, tokens

ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def read(body: Mapping[str, Any]) -> Request:
    messages = body["messages"]
    texts = [(message["role"], plain(message.get("content"))) for message in messages]
    questions = [text for role, text in texts if role == "user"]
    stop = body.get("stop") or ()
    return Request(
        model=body["model"],
        instructions=[text for role, text in texts if role not in {"user", "assistant"}] + questions[:-1],
        question=questions[-1] if questions else "",
        prompt=messages,
        tools=() if messages[-1]["role"] == "tool" else _tools(body),
        schema=_schema(body.get("response_format") or {}),
        max_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        stop=[stop] if isinstance(stop, str) else stop,
        choices=body.get("n") or 1,
        told=texts[-1][1] if texts[-1][0] == "tool" else "",
    )


def _tools(body: Mapping[str, Any]) -> Sequence[Tool]:
    """With `auto` the model always calls the first tool, so that a test need not hope."""
    offered = [
        Tool(tool["function"]["name"], tool["function"].get("parameters") or {}) for tool in body.get("tools") or ()
    ]
    match body.get("tool_choice"):
        case "none":
            return ()
        case {"function": {"name": wanted}}:
            return [tool for tool in offered if tool.name == wanted]
    return offered


def _schema(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match form:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return dict(schema)
        case {"type": "json_object"}:
            return ANY_OBJECT
    return None


class Chat:
    """One exchange."""

    def __init__(self, body: Mapping[str, Any], fate: Fate, azure: bool) -> None:
        self._azure = azure
        self.request = read(body)
        self._identifiers = Identifiers(fate.random)
        self._id = self._identifiers.make("chatcmpl-")
        self.choices = generate(self.request, fate)
        outputs = [choice.output for choice in self.choices]
        self._tokens = tokens(self.request.prompt, outputs, fate, profile(self.request.model))
        self._with_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    @property
    def opening(self) -> int:
        return 2 if self._azure else 1

    def reply(self) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "message": self._message(choice),
                "logprobs": None,
                "finish_reason": choice.finish_reason,
                **self._filter(choice),
            }
            for index, choice in enumerate(self.choices)
        ]
        return {**self._envelope("chat.completion"), "choices": choices, "usage": _usage(self._tokens)}

    def events(self) -> Iterator[dict[str, Any]]:
        """The chunks of a stream; the first of Azure's has filter results and no choices."""
        if self._azure:
            filtered = [{"prompt_index": 0, "content_filter_results": {}}]
            yield {**self._envelope("chat.completion.chunk"), "choices": [], "prompt_filter_results": filtered}
        for index, choice in enumerate(self.choices):
            yield self._chunk(index, self._opening(choice))
            for piece in choice.pieces():
                yield self._chunk(index, _delta(choice, piece))
            yield self._chunk(index, {}, choice.finish_reason)
        if self._with_usage:
            yield {**self._envelope("chat.completion.chunk"), "choices": [], "usage": _usage(self._tokens)}

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._identifiers.created,
            "model": self.request.model,
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        }

    def _message(self, choice: Generated) -> dict[str, Any]:
        calls = {"tool_calls": [self._call(choice, choice.arguments)]} if choice.tool else {}
        return {"role": "assistant", "content": None if choice.tool else choice.text, "refusal": None, **calls}

    def _opening(self, choice: Generated) -> dict[str, Any]:
        if choice.tool:
            return {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **self._call(choice, "")}]}
        return {"role": "assistant", "content": "", "refusal": None}

    def _call(self, choice: Generated, arguments: str) -> dict[str, Any]:
        name = choice.tool.name if choice.tool else ""
        identifier = self._identifiers.make("call_")
        return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}

    def _chunk(self, index: int, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._with_usage else {}
        return {**self._envelope("chat.completion.chunk"), "choices": [choice], **usage}

    def _filter(self, choice: Generated) -> dict[str, Any]:
        if not self._azure:
            return {}
        filtered = choice.finish_reason == "content_filter"
        return {
            "content_filter_results": {"violence": {"filtered": filtered, "severity": "high" if filtered else "safe"}}
        }


def _delta(choice: Generated, piece: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if choice.tool else {"content": piece}


def _usage(spent: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.input,
        "completion_tokens": spent.output,
        "total_tokens": spent.input + spent.output,
        "prompt_tokens_details": {"cached_tokens": spent.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent.reasoning, "audio_tokens": 0},
    }
