"""The gRPC face of the LLM caller: decode, call, encode."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

import grpc

from throughline_services.llm_caller.agent import NAME, ClaimsDesk
from throughline_services.llm_caller.calling import Completion, Model, Prompt
from throughline_services.runtime import ServiceError
from throughline_services.stubs import llm_caller_pb2 as messages


class LlmCallerServicer:
    """throughline.llm_caller.v1.LlmCaller"""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._desk = ClaimsDesk(model)

    async def Complete(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        answering = self._desk.answer if _wants_desk(request) else self._model.complete
        return _completion(await answering(_prompt(request)))

    async def Stream(self, request: Any, _context: Any) -> AsyncGenerator[Any, None]:  # noqa: N802  # the same
        if _wants_desk(request):
            completion = await self._desk.answer(_prompt(request))
            yield _event(completion.text)
            yield _event(completion)
            return
        async with aclosing(self._model.stream(_prompt(request))) as events:
            async for event in events:
                yield _event(event)


def _wants_desk(request: Any) -> bool:
    if request.agent not in ("", NAME):
        message = f"there is no such agent: send {NAME}, or leave it empty"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "AGENT_UNKNOWN", message)
    return bool(request.agent)


def _prompt(request: Any) -> Prompt:
    optional = ("temperature", "max_tokens", "top_p", "seed")
    return Prompt(
        messages=[(message.role, message.content) for message in request.messages],
        model=request.model,
        stop=list(request.stop),
        **{name: getattr(request, name) for name in optional if request.HasField(name)},
    )


def _event(event: str | Completion) -> Any:
    if isinstance(event, str):
        return messages.StreamResponse(delta=event)
    return messages.StreamResponse(completion=_completion(event))


def _completion(completion: Completion) -> Any:
    return messages.Completion(
        text=completion.text,
        response_id=completion.response_id,
        model=completion.model,
        finish_reason=completion.finish_reason,
        usage=messages.Usage(**asdict(completion.usage)) if completion.usage else None,
    )
