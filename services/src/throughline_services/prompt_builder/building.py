"""From a question to the messages of a prompt; knows no gRPC message."""

from dataclasses import dataclass

import grpc
import throughline

from throughline_services.prompt_builder.retrieval import Corpus, Passage
from throughline_services.prompt_builder.templates import Template, Templates, Variant
from throughline_services.runtime import ServiceError

LONGEST_QUESTION = 200_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; empty or zero means: as the service or its template has it."""

    question: str
    prompt_name: str = ""
    variant: str = ""
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Built:
    """A prompt ready for a model, and the identity under which it is recorded."""

    messages: dict[str, str]
    passages: list[Passage]
    template: Template
    variant: Variant


class Builder:
    """Retrieval and rendering under one prompt identity."""

    def __init__(self, templates: Templates, corpus: Corpus, default_prompt: str) -> None:
        self._templates = templates
        self._corpus = corpus
        self._default_prompt = default_prompt

    async def build(self, wish: Wish) -> Built:
        _checked(wish)
        template = self._templates.named(wish.prompt_name or self._default_prompt)
        variant = template.variant(wish.variant) if wish.variant else template.variant_for(_person())
        with throughline.identify(
            prompt_name=template.name, prompt_version=template.version, prompt_variant=variant.name
        ):
            passages = await self._corpus.search(wish.question, wish.top_k or template.passages)
            messages = variant.render({"question": wish.question, "passages": passages})
        return Built(messages, passages, template, variant)


def _checked(wish: Wish) -> None:
    if not wish.question.strip():
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "QUESTION_EMPTY", "question is empty: send some text")
    if len(wish.question) > LONGEST_QUESTION:
        message = f"question is longer than {LONGEST_QUESTION} characters: shorten it"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "QUESTION_TOO_LONG", message)
    if wish.top_k > 50:
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "TOP_K_TOO_LARGE", "top_k is at most 50")


def _person() -> str:
    """Who keeps seeing the same variant: the user, or for an anonymous one the session or conversation."""
    identity = throughline.identity()
    return identity.user_id or identity.session_id or identity.conversation_id or ""
