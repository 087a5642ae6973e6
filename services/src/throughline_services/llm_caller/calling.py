"""Calls the model, whole or streamed, within the request's deadline; knows no gRPC message."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from openai import AsyncOpenAI

from throughline_services.llm_caller.provider_errors import meaning
from throughline_services.llm_caller.settings import LlmCallerSettings
from throughline_services.runtime import ServiceError, deadline

# Seconds that the openai client waits at most before it tries again.
LONGEST_PAUSE = 8.0
ROLES = frozenset({"system", "developer", "user", "assistant"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked, as role and text pairs; None and empty mean: the default."""

    messages: Sequence[tuple[str, str]]
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; cached are part of input, reasoning part of output."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_output_tokens: int


@dataclass(slots=True)
class Completion:
    """An answer; of a stream, it grows with the chunks."""

    text: str = ""
    response_id: str = ""
    model: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    _parts: list[str] = field(default_factory=list)

    def take(self, chunk: Any) -> str:
        """Takes a chunk in and returns the text that it adds."""
        self.response_id = chunk.id or self.response_id
        self.model = chunk.model or self.model
        self.usage = _usage(chunk.usage) or self.usage
        if not chunk.choices:  # usage comes in a chunk without choices, Azure's filter results too
            return ""
        self.finish_reason = chunk.choices[0].finish_reason or self.finish_reason
        delta = chunk.choices[0].delta
        added = (delta and delta.content) or ""
        self._parts.append(added)
        return added

    def finished(self) -> "Completion":
        self.text = "".join(self._parts)
        return self


class Model:
    """One provider's endpoint."""

    def __init__(self, client: AsyncOpenAI, settings: LlmCallerSettings) -> None:
        self._client = client
        self._default_model = settings.model
        self._timeout = settings.timeout
        self._longest = (settings.timeout + LONGEST_PAUSE) * (settings.max_retries + 1)
        self._margin = settings.deadline_margin

    async def complete(self, prompt: Prompt) -> Completion:
        """The whole answer."""
        return completed(await self.ask(prompt))

    async def ask(self, prompt: Prompt, **more: Any) -> Any:
        """The provider's own reply; what else the request holds wins over what the prompt says."""
        with _provider_errors():
            async with asyncio.timeout(self._left()):
                return await self._client.chat.completions.create(**{**self._request(prompt), **more})

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Text as it comes, then the completion. Closing this generator closes the provider's stream."""
        request = {**self._request(prompt), "stream": True, "stream_options": {"include_usage": True}}
        completion = Completion()
        with _provider_errors():
            async with asyncio.timeout(self._left()):
                chunks = await self._client.chat.completions.create(**request)
            async with chunks:
                async for chunk in self._in_time(chunks):
                    if added := completion.take(chunk):
                        yield added
        yield completion.finished()

    async def _in_time(self, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The time limit never spans a yield: it would strike whatever the reader is doing by then."""
        while True:
            try:
                async with asyncio.timeout(self._left()):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            yield chunk

    def _left(self) -> float:
        return deadline.remaining(self._longest, self._margin)

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        options = {
            "temperature": prompt.temperature,
            "max_completion_tokens": prompt.max_tokens,
            "top_p": prompt.top_p,
            "seed": prompt.seed,
            "stop": list(prompt.stop) or None,
        }
        return {
            "model": prompt.model or self._default_model,
            "messages": [{"role": role, "content": text} for role, text in _checked(prompt.messages)],
            "timeout": min(self._timeout, self._left()),
            **{name: value for name, value in options.items() if value is not None},
        }


def completed(reply: Any) -> Completion:
    """A whole reply as an answer."""
    choice = reply.choices[0]
    text = choice.message.content or choice.message.refusal or ""
    return Completion(text, reply.id, reply.model, choice.finish_reason, _usage(reply.usage))


def _checked(messages: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if not messages:
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "MESSAGES_EMPTY", "messages is empty: send at least one")
    if unknown := {role for role, _ in messages} - ROLES:
        message = f"{len(unknown)} unknown role(s): use {', '.join(sorted(ROLES))}"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "ROLE_UNKNOWN", message)
    return messages


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_input_tokens=(prompt and prompt.cached_tokens) or 0,
        reasoning_output_tokens=(completion and completion.reasoning_tokens) or 0,
    )


@contextmanager
def _provider_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if (failure := meaning(error)) is None:
            raise
        raise failure from error
