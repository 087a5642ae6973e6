"""A model server that says everything back: it answers with the prompt, calls tools with it and quotes it in errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from serving import Serving
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

Plain = dict[str, Any]
USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}


class Model(Serving):
    """Serves from a thread of its own; what it does is asked for by the model's name."""

    def __init__(self) -> None:
        super().__init__(_answer, ["POST"])


async def _answer(request: Request) -> Response:
    body = await request.body()
    asked: Plain = json.loads(body) if body.startswith(b"{") else {"prompt": body.decode()}
    text, model = _texts(asked), str(asked.get("model", "echo"))
    if model == "refusing":
        return JSONResponse({"error": {"message": f"cannot take {text}", "code": "bad", "param": text}}, 400)
    if model == "unauthorised":
        quoted = f"Incorrect API key provided: {request.headers['authorization']} for {text}"
        return JSONResponse({"error": {"message": quoted}}, 401)
    if model == "failing":
        return Response(f"<html>upstream died over {text}</html>", 502)
    if asked.get("stream"):
        return StreamingResponse(_chunks(text, model), media_type="text/event-stream")
    path = str(request.path_params["path"])
    return JSONResponse(_reply(path, text, model, asked))


def _reply(path: str, text: str, model: str, asked: Plain) -> Plain:
    if path.endswith("embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
        return {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}
    if path.endswith("transcriptions"):
        return {"text": text}
    if path.endswith("responses"):
        part = {"type": "output_text", "text": text, "annotations": []}
        said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        usage = {"input_tokens": 7, "output_tokens": 9, "total_tokens": 16}
        return {
            "id": "r",
            "object": "response",
            "model": model,
            "status": "completed",
            "output": [said],
            "usage": usage,
        }
    message: Plain = {"role": "assistant", "content": text}
    if asked.get("tools"):
        message |= {"content": None, "tool_calls": [_tool_call(asked)]}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": USAGE}


def _tool_call(asked: Plain) -> Plain:
    """The arguments stand in what the tool is said to do."""
    offered = asked["tools"][0]["function"]
    return {"id": "t", "type": "function", "function": {"name": offered["name"], "arguments": offered["description"]}}


def _chunks(text: str, model: str) -> Iterator[str]:
    """Seven characters at a time, so that no value comes in one piece."""
    for start in range(0, len(text), 7):
        yield _event({"index": 0, "delta": {"content": text[start : start + 7]}, "finish_reason": None}, model)
    if model == "breaking":
        yield f"data: {json.dumps({'error': {'message': f'broke over {text}'}})}\n\n"
        return
    yield _event({"index": 0, "delta": {}, "finish_reason": "stop"}, model)
    yield "data: [DONE]\n\n"


def _event(choice: Plain, model: str) -> str:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


def _texts(asked: Plain) -> str:
    """Everything said in the request."""
    return json.dumps({key: value for key, value in asked.items() if key not in ("model", "tools", "stream")})
