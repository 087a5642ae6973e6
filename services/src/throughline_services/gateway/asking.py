"""One question's way through the services; knows neither HTTP nor how an answer is delivered."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Self

import throughline

from throughline_services.gateway.bodies import Question
from throughline_services.gateway.settings import GatewaySettings
from throughline_services.runtime import Remote, deadline, tracing
from throughline_services.stubs import llm_caller_pb2 as llm
from throughline_services.stubs import postprocessor_pb2 as post
from throughline_services.stubs import prompt_builder_pb2 as prompt
from throughline_services.stubs.llm_caller_pb2_grpc import LlmCallerStub
from throughline_services.stubs.postprocessor_pb2_grpc import PostprocessorStub
from throughline_services.stubs.prompt_builder_pb2_grpc import PromptBuilderStub

OnDelta = Callable[[str], Awaitable[None]]

ABOUT_A_CLAIM = re.compile(r"\bclaim\W{1,3}(?:number |no\. ?)?\d{4}\b", re.IGNORECASE)
USAGE = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets."""

    answer: str
    trace_id: str | None
    span_id: str | None
    model: str
    finish_reason: str
    usage: dict[str, int] | None
    scores: list[dict[str, Any]]
    masked: int
    prompt: dict[str, str]
    passages: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Services:
    """The three services behind the gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._timeout = settings.request_timeout
        self._builder = Remote(settings.prompt_builder, settings, self._timeout)
        self._caller = Remote(settings.llm_caller, settings, self._timeout)
        self._judge = Remote(settings.postprocessor, settings, self._timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for remote in (self._builder, self._caller, self._judge):
            await remote.close()

    async def ask(self, question: Question, on_delta: OnDelta | None = None) -> Answer:
        """With `on_delta` the model's text is passed on as it comes."""
        with (
            deadline.within(self._timeout),
            throughline.identify(
                user_id=question.user_id,
                session_id=question.session_id,
                conversation_id=question.conversation_id,
                keep=question.keep,
                # Whatever the caller's baggage says: a question is the application's own traffic, of no prompt as yet.
                judging=False,
                prompt_name="",
            ),
            throughline.workflow("ask"),
        ):
            built = await self._build(question)
            # What is called from here on belongs to this prompt, and its baggage says so.
            with _identified(built.prompt):
                completion = await self._complete(_request(question, built), on_delta)
                judged = await self._process(question, built, completion)
        return _answer(built, completion, judged)

    async def _build(self, question: Question) -> Any:
        request = prompt.BuildRequest(
            question=question.question, prompt_name=question.prompt, variant=question.variant, top_k=question.top_k
        )
        return await self._builder.call(PromptBuilderStub(self._builder.channel).Build, request)

    async def _complete(self, request: Any, on_delta: OnDelta | None) -> Any:
        stub = LlmCallerStub(self._caller.channel)
        if on_delta is None:
            return await self._caller.call(stub.Complete, request)
        completion = llm.Completion()
        async with self._caller.stream(stub.Stream, request) as events:
            async for event in events:
                if event.WhichOneof("event") == "delta":
                    await on_delta(event.delta)
                else:
                    completion = event.completion
        return completion

    async def _process(self, question: Question, built: Any, completion: Any) -> Any:
        request = post.ProcessRequest(
            question=question.question,
            answer=completion.text,
            passages=[passage.text for passage in built.passages],
            finish_reason=completion.finish_reason,
            response_id=completion.response_id,
        )
        return await self._judge.call(PostprocessorStub(self._judge.channel).Process, request)


def _identified(chosen: Any) -> AbstractContextManager[throughline.Identity]:
    return throughline.identify(
        prompt_name=chosen.name,
        prompt_version=chosen.version,
        prompt_variant=chosen.variant,
        prompt_template_hash=chosen.template_hash,
        prompt_variables=list(chosen.variables),
        experiment=chosen.experiment if chosen.HasField("experiment") else None,
    )


def _request(question: Question, built: Any) -> Any:
    """What the question itself asks of the model wins over what its prompt does."""
    wanted = {field.name: value for field, value in built.parameters.ListFields()}
    own = {"model": question.model, "temperature": question.temperature, "max_tokens": question.max_tokens}
    return llm.CompleteRequest(
        agent="claims-desk" if ABOUT_A_CLAIM.search(question.question) else "",
        messages=[llm.Message(role=message.role, content=message.content) for message in built.messages],
        **{**wanted, **{name: value for name, value in own.items() if value not in (None, "")}},
    )


def _answer(built: Any, completion: Any, judged: Any) -> Answer:
    ids = tracing.current_ids()
    usage = completion.usage if completion.HasField("usage") else None
    return Answer(
        answer=judged.answer,
        trace_id=ids.trace_id if ids else None,
        span_id=ids.span_id if ids else None,
        model=completion.model,
        finish_reason=completion.finish_reason,
        usage=usage and {name: getattr(usage, name) for name in USAGE},
        scores=[_score(score) for score in judged.scores],
        masked=judged.masked,
        prompt={"name": built.prompt.name, "version": built.prompt.version, "variant": built.prompt.variant},
        passages=[{"id": each.id, "title": each.title, "score": round(each.score, 3)} for each in built.passages],
    )


def _score(score: Any) -> dict[str, Any]:
    return {"name": score.name, "value": score.value, "label": score.label, "explanation": score.explanation}
