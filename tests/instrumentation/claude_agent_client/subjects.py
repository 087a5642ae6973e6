"""A CLI that is none: a transport that answers from memory. No test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Transport, query
from throughline import ContentMode

BOTH = ContentMode.SPAN_AND_EVENT
CANARY = "a secret that nobody may read"
USAGE = {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 7}
INIT = {"type": "system", "subtype": "init", "session_id": "session-1", "model": "claude-test-1"}
CALLED = {"type": "tool_use", "id": "call-1", "name": "Bash", "input": {"command": CANARY}}
ANSWERED = {"type": "tool_result", "tool_use_id": "call-1", "content": CANARY}


def said(*blocks: Any, **more: Any) -> dict[str, Any]:
    known = {"type": "assistant", "parent_tool_use_id": None, "session_id": "session-1", **more}
    return {**known, "message": {"role": "assistant", "model": "claude-test-1", "content": list(blocks)}}


def result(**more: Any) -> dict[str, Any]:
    return {
        "type": "result", "subtype": "success", "is_error": False, "duration_ms": 10, "duration_api_ms": 9,
        "num_turns": 2, "session_id": "session-1", "total_cost_usd": 0.25, "usage": USAGE, "result": "Cold.",
        "stop_reason": "end_turn", **more,
    }  # fmt: skip


RUN = [
    INIT,
    said({"type": "thinking", "thinking": "Hm.", "signature": "s"}, CALLED),
    {"type": "user", "message": {"role": "user", "content": [ANSWERED]}, "parent_tool_use_id": None},
    said({"type": "text", "text": "of a sub-agent"}, parent_tool_use_id="call-2"),
    said({"type": "text", "text": "Cold."}),
    result(),
]


class Canned(Transport):
    """Answers each prompt with the next of these lists of messages, of which an error is raised."""

    def __init__(self, *answers: list[Any]) -> None:
        self.waiting = list(answers or (RUN,))
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.written: list[Any] = []

    async def connect(self) -> None:
        """Nothing is started."""

    async def write(self, data: str) -> None:
        sent = json.loads(data)
        self.written.append(sent)
        if sent["type"] == "control_request":
            answer = {"subtype": "success", "request_id": sent["request_id"], "response": {}}
            self.queue.put_nowait({"type": "control_response", "response": answer})
        elif sent["type"] == "user" and self.waiting:
            for one in self.waiting.pop(0):
                self.queue.put_nowait(one)

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:  # type: ignore[override]
        while True:
            message = await self.queue.get()
            if message is None:
                return
            if isinstance(message, BaseException):
                raise message
            yield message

    async def close(self) -> None:
        self.queue.put_nowait(None)

    def is_ready(self) -> bool:
        return True

    async def end_input(self) -> None:
        """Whoever asked once is done with it."""
        self.queue.put_nowait(None)


def asked(transport: Canned, prompt: Any = "How warm is it?", **options: Any) -> Any:
    """The messages that come of a prompt, one by one."""
    return query(prompt=prompt, options=ClaudeAgentOptions(**options), transport=transport)


def talking(transport: Canned, **options: Any) -> ClaudeSDKClient:
    """A client to talk with for longer."""
    return ClaudeSDKClient(ClaudeAgentOptions(**options), transport=transport)
