"""Bodies of the families of models that Bedrock passes through and that have no API of their own here. No calls."""

from __future__ import annotations

from typing import Any

from throughline.adapter import Reader
from throughline.adapters.openai_chat import Chat
from throughline.operation import Operation, fitting
from throughline.parts import function_tool, get, items, member, message, place, text, tool_call, tool_result

_FINISH_REASONS = {
    "FINISH": "stop", "FINISHED": "stop", "STOP_CRITERIA_MET": "stop", "COMPLETE": "stop", "STOP_SEQUENCE": "stop",
    "stop_sequence": "stop", "LENGTH": "length", "MAX_TOKENS": "length", "max_tokens": "length",
    "CONTENT_FILTERED": "content_filter", "RAG_QUERY_WHEN_RAG_DISABLED": "error", "ERROR": "error",
    "ERROR_TOXIC": "content_filter", "ERROR_LIMIT": "length", "TOOL_CALL": "tool_call", "tool_calls": "tool_call",
}  # fmt: skip


class Completion(Reader):
    """A prompt and its continuation: Titan, Llama, Mistral, Command and Anthropic's first API differ only in words."""

    operation = "text_completion"
    params = {
        "max_tokens": "textGenerationConfig.maxTokenCount | max_gen_len | max_tokens_to_sample | max_tokens",
        "temperature": "textGenerationConfig.temperature | temperature",
        "top_p": "textGenerationConfig.topP | p | top_p",
        "top_k": "k | top_k",
        "choice_count": "num_generations",
        "stop_sequences": "textGenerationConfig.stopSequences | stop | stop_sequences",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
    }
    results = {
        "response_id": "id",
        "input_tokens": "inputTextTokenCount | prompt_token_count",
        "output_tokens": "totalOutputTextTokenCount | generation_token_count",
    }

    def request_content(self, op: Operation, body: Any) -> None:
        asked = get(body, "prompt") or get(body, "inputText")
        op.input = [message("user", [text(asked)])] if isinstance(asked, str) else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        answers = _answers(body)
        reasons = [_FINISH_REASONS.get(reason, reason) for answer in answers if (reason := _reason(answer))]
        op.finish_reasons = reasons or None
        counts = [count for answer in answers if (count := fitting(member(answer, "tokenCount"), int)) is not None]
        op.output_tokens = sum(counts) if counts else op.output_tokens

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", [text(said)], finish_reason=_FINISH_REASONS.get(reason, reason) or op.end_reason)
            for answer in _answers(body)
            if (said := _said(answer)) is not None
            for reason in [_reason(answer) or ""]
        ]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        for key in ("id", "inputTextTokenCount", "prompt_token_count", "totalOutputTextTokenCount",
                    "generation_token_count"):  # fmt: skip
            if (value := member(chunk, key)) is not None:
                whole[key] = value
        for index, answer in enumerate(_answers(chunk)):
            if (reason := _reason(answer)) is not None:
                _answer(whole, index)["finish_reason"] = reason

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        for index, answer in enumerate(_answers(chunk)):
            known = _answer(whole, index)
            known["text"] = known.get("text", "") + (_said(answer) or "")


def _answers(body: Any) -> Any:
    """The answers in a reply or a chunk, which may be the one answer itself."""
    lists = (items(body, key) for key in ("results", "outputs", "generations"))
    return next((found for found in lists if found), [body] if _reason(body) or _said(body) is not None else [])


def _answer(whole: dict[str, Any], index: int) -> dict[str, Any]:
    return place(whole.setdefault("results", []), index, dict)


def _said(answer: Any) -> str | None:
    words = (member(answer, key) for key in ("text", "outputText", "generation", "completion"))
    return next((said for said in words if isinstance(said, str)), None)


def _reason(answer: Any) -> str | None:
    reasons = (member(answer, key) for key in ("finish_reason", "stop_reason", "completionReason"))
    return next((reason for reason in reasons if isinstance(reason, str)), None)


class CommandR(Reader):
    """Cohere's Command R: one message after a history of others."""

    params = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "p", "top_k": "k", "seed": "seed",
              "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
              "stop_sequences": "stop_sequences"}  # fmt: skip
    results = {"response_id": "response_id | generation_id", "input_tokens": "meta.tokens.input_tokens",
               "output_tokens": "meta.tokens.output_tokens"}  # fmt: skip

    def request_content(self, op: Operation, body: Any) -> None:
        op.system = [text(preamble)] if (preamble := get(body, "preamble")) else None
        before = [(get(turn, "role", ""), get(turn, "message", "")) for turn in items(body, "chat_history")]
        roles = {"CHATBOT": "assistant"}
        op.input = [message(roles.get(role, role.lower()), [text(said)]) for role, said in before]
        answers = [tool_result(None, get(result, "outputs")) for result in items(body, "tool_results")]
        asked = get(body, "message")
        op.input += [message("user", [*answers, text(asked) if asked else None])]
        op.tools = [
            function_tool(get(t, "name"), get(t, "description"), get(t, "parameter_definitions"))
            for t in items(body, "tools")
        ]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if reason := _reason(body):
            called = reason == "COMPLETE" and bool(items(body, "tool_calls"))
            op.finish_reasons = ["tool_call" if called else _FINISH_REASONS.get(reason, reason)]

    def response_content(self, op: Operation, body: Any) -> None:
        calls = [tool_call(None, get(call, "name"), get(call, "parameters")) for call in items(body, "tool_calls")]
        said = [text(words) if (words := get(body, "text")) else None, *calls]
        if any(said):
            reason = (op.finish_reasons or [op.end_reason or "error"])[0]
            op.output = [message("assistant", said, finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        """The last event holds the whole reply."""
        if (reply := member(chunk, "response")) is not None:
            whole |= {**reply, "finish_reason": member(chunk, "finish_reason")}
        elif known := member(chunk, "generation_id"):
            whole["generation_id"] = known

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if member(chunk, "event_type") == "text-generation":
            whole["text"] = whole.get("text", "") + member(chunk, "text")


class Choices(Chat):
    """Chat completions as OpenAI shaped them, of its own and of many open models; Mistral says `stop_reason`."""

    constants = {}

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, {**body, "choices": _named(body)})
        op.finish_reasons = [_FINISH_REASONS.get(reason, reason) for reason in op.finish_reasons or ()] or None

    def response_content(self, op: Operation, body: Any) -> None:
        super().response_content(op, {**body, "choices": _named(body)})

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold(whole, {**chunk, "choices": _named(chunk)})

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold_content(whole, {**chunk, "choices": _named(chunk)})


def _named(body: Any) -> list[Any]:
    """The choices of a reply or chunk, by OpenAI's names."""
    return [
        {**choice, "finish_reason": _reason(choice), "message": said, "delta": member(choice, "delta") or said}
        for choice in items(body, "choices")
        if isinstance(choice, dict)
        for told in [member(choice, "message")]
        for said in [{key: value for key, value in told.items() if value != ""} if isinstance(told, dict) else {}]
    ]


class Embeddings(Reader):
    """Titan's, Cohere's and Nova's embeddings."""

    operation = "embeddings"
    params = {"encoding_formats": "embedding_types | embeddingTypes"}
    results = {"input_tokens": "inputTextTokenCount", "response_id": "id"}

    def request_content(self, op: Operation, body: Any) -> None:
        texts = [get(body, "inputText"), *items(body, "texts")]
        said = [text(words) for words in texts if isinstance(words, str)]
        op.input = [message("user", said)] if said else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        op.dimension_count = _dimensions(member(body, "embedding") or member(body, "embeddings"))


def _dimensions(vectors: Any) -> int | None:
    """The length of a vector, which may be in a list, or in lists by encoding."""
    while isinstance(vectors, (dict, list)) and vectors:
        inner = next(iter(vectors.values())) if isinstance(vectors, dict) else vectors[0]
        if isinstance(inner, (int, float)):
            return len(vectors)
        vectors = inner
    return None


class Opaque(Reader):
    """A body of some other kind, of which only Bedrock's own words are known: pictures, say."""

    operation = "generate_content"
