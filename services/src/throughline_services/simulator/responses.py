"""OpenAI's responses protocol: JSON in, JSON out; decides neither text nor timing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from throughline_services.simulator.behaviour import Fate
from throughline_services.simulator.chat import ANY_OBJECT
from throughline_services.simulator.content import plain
from throughline_services.simulator.generation import Generated, Identifiers, Request, Tool, generate
from throughline_services.simulator.models import profile
from throughline_services.simulator.tokens import Tokens, tokens

ECHOED = ("instructions", "metadata", "temperature", "top_p", "tools", "tool_choice", "previous_response_id")
ITEM_DONE = {"stop": "completed", "tool_calls": "completed"}
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def read(body: Mapping[str, Any]) -> Request:
    given = body.get("input") or []
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    texts = [(item.get("role", ""), plain(item.get("content"))) for item in items]
    questions = [text for role, text in texts if role == "user"]
    answered = bool(items) and items[-1].get("type") == "function_call_output"
    return Request(
        model=body["model"],
        instructions=[
            body.get("instructions") or "",
            *(text for role, text in texts if role != "user"),
            *questions[:-1],
        ],
        question=questions[-1] if questions else "",
        prompt=[body.get("instructions") or "", items],
        tools=() if answered or body.get("tool_choice") == "none" else _tools(body.get("tools") or ()),
        schema=_schema((body.get("text") or {}).get("format") or {}),
        max_tokens=body.get("max_output_tokens"),
    )


def _tools(offered: Sequence[Mapping[str, Any]]) -> Sequence[Tool]:
    return [Tool(tool["name"], tool.get("parameters") or {}) for tool in offered if tool.get("type") == "function"]


def _schema(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match form:
        case {"type": "json_schema", "schema": schema}:
            return dict(schema)
        case {"type": "json_object"}:
            return ANY_OBJECT
    return None


class Responses:
    """One exchange."""

    def __init__(self, body: Mapping[str, Any], fate: Fate) -> None:
        self.request = read(body)
        self._echo = {name: body[name] for name in ECHOED if name in body}
        self._identifiers = Identifiers(fate.random)
        self._id = self._identifiers.make("resp_")
        self._item_id = self._identifiers.make("msg_")
        self._call_id = self._identifiers.make("call_")
        self.choices = generate(self.request, fate)
        outputs = [self._only.output]
        self._tokens = tokens(self.request.prompt, outputs, fate, profile(self.request.model))

    @property
    def _only(self) -> Generated:
        return self.choices[0]

    @property
    def opening(self) -> int:
        return 3 if self._only.tool else 4

    def reply(self) -> dict[str, Any]:
        reason = REASONS.get(self._only.finish_reason)
        return {
            **self._envelope("incomplete" if reason else "completed"),
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [self._item(self._only.output, ITEM_DONE.get(self._only.finish_reason, "incomplete"))],
            "usage": _usage(self._tokens),
        }

    def events(self) -> Iterator[dict[str, Any]]:
        for number, event in enumerate(self._unnumbered()):
            yield {**event, "sequence_number": number}

    def _unnumbered(self) -> Iterator[dict[str, Any]]:
        reply = self.reply()
        opened = self._envelope("in_progress")
        yield {"type": "response.created", "response": opened}
        yield {"type": "response.in_progress", "response": opened}
        yield {"type": "response.output_item.added", "output_index": 0, "item": self._item(None, "in_progress")}
        yield from self._call_events() if self._only.tool else self._text_events()
        yield {"type": "response.output_item.done", "output_index": 0, "item": reply["output"][0]}
        yield {"type": f"response.{reply['status']}", "response": reply}

    def _call_events(self) -> Iterator[dict[str, Any]]:
        place = {"item_id": self._item_id, "output_index": 0}
        for piece in self._only.pieces():
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        name = self._only.tool.name if self._only.tool else ""
        yield {
            "type": "response.function_call_arguments.done",
            **place,
            "name": name,
            "arguments": self._only.arguments,
        }

    def _text_events(self) -> Iterator[dict[str, Any]]:
        place = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        yield {"type": "response.content_part.added", **place, "part": _part("")}
        for piece in self._only.pieces():
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": self._only.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": _part(self._only.text)}

    def _envelope(self, status: str) -> dict[str, Any]:
        defaults: dict[str, Any] = {
            "instructions": None,
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
            "tools": [],
            "tool_choice": "auto",
        }
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._identifiers.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self.request.model,
            "output": [],
            "parallel_tool_calls": True,
            "usage": None,
            **defaults,
            **self._echo,
        }

    def _item(self, output: str | None, status: str) -> dict[str, Any]:
        """Without output: as it is announced before anything is there."""
        common = {"id": self._item_id, "status": status}
        if self._only.tool:
            call = {"call_id": self._call_id, "name": self._only.tool.name, "arguments": output or ""}
            return {"type": "function_call", **common, **call}
        return {"type": "message", **common, "role": "assistant", "content": [] if output is None else [_part(output)]}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(spent: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": spent.input,
        "input_tokens_details": {"cached_tokens": spent.cached},
        "output_tokens": spent.output,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.input + spent.output,
    }
