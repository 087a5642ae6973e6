"""Claude's agent SDK: what one prompt makes the CLI do, from the prompt to the result. Not what goes on in the CLI.

The CLI is a process of its own. It tells of its model calls and tools when they are over, in messages that wait until
the application reads them: their times are not known, so they make no spans. A tool of the application's own process
is served by MCP, which is recorded as such.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.operation import Operation, Part, fitting
from throughline.parts import get, items, member, message, reasoning, text, tool_call, tool_result

_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_call",
           "refusal": "content_filter"}  # fmt: skip
_INTERNAL = "claude_agent_sdk._internal.client:InternalClient"
_ABORTED = "aborted"  # how the reasons begin of what the application interrupted
_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Turn(Reader):
    """One prompt and all that the agent does for it."""

    operation, kind, encloses = "invoke_agent", "internal", True
    params = {"model": "options.model", "conversation_id": "options.resume"}

    def request_content(self, op: Operation, body: Any) -> None:
        prompt, told = body["prompt"], get(body, "options.system_prompt")
        op.input = [message("user", [text(prompt)])] if isinstance(prompt, str) else None
        op.system = [text(told)] if isinstance(told, str) else None

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        match type(chunk).__name__:
            case "ResultMessage":
                whole["result"] = chunk
            case "AssistantMessage" if chunk.parent_tool_use_id is None:
                whole["said"] = chunk
            case "SystemMessage" if chunk.subtype == "init":
                whole["session"] = member(chunk.data, "session_id")

    def response(self, op: Operation, body: Any) -> None:
        op.time_to_first_chunk = None  # what comes first is no answer
        result, said = member(body, "result"), member(body, "said")
        op.conversation_id = fitting(member(result, "session_id") or member(body, "session"), str) or op.conversation_id
        op.response_model = fitting(member(said, "model"), str)
        if result is None:
            return
        _read_usage(op, member(result, "usage"))
        _read_end(op, result)

    def response_content(self, op: Operation, body: Any) -> None:
        said = [_part(block) for block in items(member(body, "said"), "content")]
        answer = member(member(body, "result"), "result")
        parts = [text(answer)] if isinstance(answer, str) and not said else said
        reason = (op.finish_reasons or [op.end_reason or "error"])[0]
        op.output = [message("assistant", parts, finish_reason=reason)] if parts else None


def _read_usage(op: Operation, usage: Any) -> None:
    counts = {name: fitting(member(usage, name), int) for name in (*_INPUT, "output_tokens")}
    if counts["input_tokens"] is not None:
        op.input_tokens = sum(counts[name] or 0 for name in _INPUT)
    op.output_tokens = counts["output_tokens"]
    op.cache_read_tokens = counts["cache_read_input_tokens"] or None
    op.cache_creation_tokens = counts["cache_creation_input_tokens"] or None


def _read_end(op: Operation, result: Any) -> None:
    """The result says how it ended; whoever stopped reading at it missed nothing."""
    reason = fitting(member(result, "stop_reason"), str)
    op.finish_reasons = [_FINISH.get(reason, reason)] if reason else None
    if op.error_type is not None:
        return
    op.end_reason = "completed"
    if str(member(result, "terminal_reason")).startswith(_ABORTED):
        op.end_reason = "interrupted"
    elif member(result, "is_error"):
        status, kind = member(result, "api_error_status"), member(result, "subtype")
        op.error_type = str(status) if kind == "success" and status else kind if kind != "success" else "error"
        op.end_reason = "error"


def _part(block: Any) -> Part:
    match type(block).__name__:
        case "TextBlock":
            return text(block.text)
        case "ThinkingBlock":
            return reasoning(block.thinking)
        case "ToolUseBlock" | "ServerToolUseBlock":
            return tool_call(block.id, block.name, block.input)
        case "ToolResultBlock" | "ServerToolResultBlock":
            return tool_result(block.tool_use_id, member(block, "content"))
        case kind:
            return {"type": kind}


class ClaudeAgent(Adapter):
    """The `claude-agent-sdk` package: `query`, and each response that its client receives."""

    turn = Turn()
    patches = (
        Patch(f"{_INTERNAL}.process_query"),
        Patch("claude_agent_sdk.client:ClaudeSDKClient.receive_response"),
        Patch("claude_agent_sdk.client:ClaudeSDKClient.query", "seen"),
    )

    def __init__(self) -> None:
        self._asked: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what each client was asked last

    def route(self, call: Call) -> Route | None:
        """The options that a client of the application's has, or that came with the call."""
        if call.point == "InternalClient.process_query":
            given = call.named("prompt", "options")
            return Route(self.turn, {"prompt": given.get("prompt"), "options": given.get("options")}, None)
        client = call.instance
        return Route(self.turn, {"prompt": self._asked.get(client), "options": client.options}, None)

    def saw(self, call: Call, result: Any, running: Running | None) -> None:
        """A client was asked; what it says next is the answer."""
        del result, running
        asked = call.named("prompt").get("prompt")
        self._asked[call.instance] = asked if isinstance(asked, str) else None
