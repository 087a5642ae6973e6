"""From a question to the messages of a prompt; knows no gRPC message."""

from dataclasses import dataclass
from typing import Any

import grpc
import throughline
from throughline.prompts import Folder, Prompt, PromptError, UnknownPromptError

from throughline_services.prompt_builder.retrieval import Corpus, Passage
from throughline_services.prompt_builder.settings import PromptBuilderSettings
from throughline_services.runtime import ServiceError, StartupError

LONGEST_QUESTION = 200_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; empty or zero means: as the service has it."""

    question: str
    prompt_name: str = ""
    variant: str = ""
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Built:
    """A prompt ready for a model, with what it was made from."""

    messages: list[dict[str, str]]
    passages: list[Passage]
    prompt: Prompt


class Builder:
    """Retrieval and rendering under one prompt identity."""

    def __init__(self, prompts: Folder, corpus: Corpus, settings: PromptBuilderSettings) -> None:
        self._prompts = prompts
        self._corpus = corpus
        self._settings = settings

    async def build(self, wish: Wish) -> Built:
        _checked(wish)
        prompt = self._chosen(wish)
        with throughline.identify(prompt=prompt):
            passages = await self._corpus.search(wish.question, wish.top_k or self._settings.top_k)
            with throughline.step("build_prompt"):
                messages = _rendered(prompt, question=wish.question, passages=passages)
        return Built(messages, passages, prompt)

    def _chosen(self, wish: Wish) -> Prompt:
        try:
            return self._prompts.get(wish.prompt_name or self._settings.prompt_name, variant=wish.variant or None)
        except UnknownPromptError as error:
            raise ServiceError(grpc.StatusCode.NOT_FOUND, f"{error.what.upper()}_UNKNOWN", str(error)) from error


def opened(settings: PromptBuilderSettings) -> Folder:
    """The prompts. A file that is wrong stops the service: better at its start than at a request; later, it goes on."""
    found = throughline.prompts.look(settings.prompts)
    if found.problems:
        raise StartupError("; ".join(str(problem) for problem in found.problems))
    if not found.prompts:
        raise StartupError(f"no prompts (NAME/VERSION.yaml) in {settings.prompts}")
    try:
        return Folder(settings.prompts)
    except ValueError as error:
        raise StartupError(str(error)) from error


def _rendered(prompt: Prompt, **variables: Any) -> list[dict[str, str]]:
    try:
        return prompt.render(**variables)
    except PromptError as error:
        raise ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "TEMPLATE_FAILED", str(error)) from error


def _checked(wish: Wish) -> None:
    if not wish.question.strip():
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "QUESTION_EMPTY", "question is empty: send some text")
    if len(wish.question) > LONGEST_QUESTION:
        message = f"question is longer than {LONGEST_QUESTION} characters: shorten it"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "QUESTION_TOO_LONG", message)
    if wish.top_k > 50:
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "TOP_K_TOO_LARGE", "top_k is at most 50")
