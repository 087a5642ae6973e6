"""What Bedrock's Converse looks like, whose shapes Nova's own bodies share, and what knowledge bases answer."""

from __future__ import annotations

from typing import Any

from throughline import names
from throughline.adapter import Reader
from throughline.adapters.bedrock_blocks import add_delta, block_part, parts, tool
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member, message, place, text

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_call",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}


class Endpoint(Reader):
    """What all of Bedrock's endpoints have in common."""

    def error(self, op: Operation, error: BaseException) -> str | None:
        """A refusal has a request's id as well, by which alone AWS can look into it."""
        if request_id := fitting(get(error, "response.ResponseMetadata.RequestId"), str):
            op.extra[names.AWS_REQUEST_ID] = request_id
        return None


class Converse(Endpoint):
    """`Converse` and `ConverseStream`."""

    params = {
        "model": "modelId",
        "stream": "stream",
        "max_tokens": "inferenceConfig.maxTokens | inferenceConfig.max_new_tokens",
        "temperature": "inferenceConfig.temperature",
        "top_p": "inferenceConfig.topP",
        "top_k": "additionalModelRequestFields.inferenceConfig.topK | additionalModelRequestFields.top_k | "
        "inferenceConfig.topK",
        "stop_sequences": "inferenceConfig.stopSequences",
        "reasoning_level": "additionalModelRequestFields.output_config.effort | "
        "additionalModelRequestFields.reasoning_effort | outputConfig.effort",
        names.AWS_BEDROCK_GUARDRAIL_ID: "guardrailConfig.guardrailIdentifier",
    }
    results = {
        "response_model": "trace.promptRouter.invokedModelId",
        "input_tokens": "usage.inputTokens",
        "output_tokens": "usage.outputTokens",
        "cache_read_tokens": "usage.cacheReadInputTokenCount | usage.cacheReadInputTokens",
        "cache_creation_tokens": "usage.cacheWriteInputTokenCount | usage.cacheWriteInputTokens",
        names.AWS_REQUEST_ID: "ResponseMetadata.RequestId",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        form = "additionalModelRequestFields.output_config.format.type"
        if "json_schema" in (get(body, "outputConfig.textFormat.type"), get(body, form)):
            op.output_type = "json"

    def request_content(self, op: Operation, body: Any) -> None:
        op.system = [part for part in parts(get(body, "system")) if part]
        op.input = [message(get(m, "role"), parts(get(m, "content"))) for m in items(body, "messages")]
        op.tools = [part for offered in items(body, "toolConfig.tools") if (part := tool(offered))]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if op.input_tokens is not None:  # the provider counts what its cache held apart, the conventions do not
            op.input_tokens += (op.cache_read_tokens or 0) + (op.cache_creation_tokens or 0)
        if reason := fitting(get(body, "stopReason"), str):
            op.finish_reasons = [_FINISH_REASONS.get(reason, reason)]

    def response_content(self, op: Operation, body: Any) -> None:
        if said := [block_part(block) for block in items(body, "output.message.content")]:
            reason = (op.finish_reasons or [op.end_reason or "error"])[0]
            op.output = [message("assistant", said, finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if "contentBlockDelta" in chunk:  # nearly all of them
            return
        if stop := member(chunk, "messageStop"):
            whole["stopReason"] = member(stop, "stopReason")
        elif told := member(chunk, "metadata"):
            whole |= {key: told[key] for key in ("usage", "trace") if key in told}

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if (event := member(chunk, "contentBlockDelta")) is not None:
            add_delta(_block(whole, event), member(event, "delta"))
        elif (event := member(chunk, "contentBlockStart")) is not None:
            begun = member(event, "start") or {}  # copied, because its deltas are added to it
            _block(whole, event).update({kind: dict(value) for kind, value in begun.items()})


def _block(whole: dict[str, Any], event: Any) -> dict[str, Any]:
    """The content block of `whole` that this event begins or continues."""
    said = whole.setdefault("output", {"message": {"content": []}})
    return place(said["message"]["content"], member(event, "contentBlockIndex"), dict)


class Retrieve(Endpoint):
    """`Retrieve` of a knowledge base."""

    operation = "retrieval"
    params = {
        "data_source": "knowledgeBaseId",
        "retrieval_top_k": "retrievalConfiguration.managedSearchConfiguration.numberOfResults | "
        "retrievalConfiguration.vectorSearchConfiguration.numberOfResults",
        names.AWS_BEDROCK_GUARDRAIL_ID: "guardrailConfiguration.guardrailId",
    }
    results = {names.AWS_REQUEST_ID: "ResponseMetadata.RequestId"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if op.data_source is not None:
            op.extra[names.AWS_BEDROCK_KNOWLEDGE_BASE_ID] = op.data_source

    def request_content(self, op: Operation, body: Any) -> None:
        op.query = get(body, "retrievalQuery.text")

    def scores(self, body: Any) -> list[Any]:
        return [get(found, "score") for found in items(body, "retrievalResults")]

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(found) for found in items(body, "retrievalResults")]


def _document(found: Any) -> dict[str, Any]:
    """A document by its id, else by where it lies, and how well it fits."""
    told = {"id": get(found, "documentId") or _place(get(found, "location")), "score": get(found, "score")}
    return {key: value for key, value in told.items() if value is not None}


def _place(location: Any) -> Any:
    """The address of a document, whose key each kind of source calls otherwise."""
    kinds = location.values() if isinstance(location, dict) else ()
    addresses = (get(kind, key) for kind in kinds if isinstance(kind, dict) for key in ("uri", "url", "id"))
    return next((address for address in addresses if address), None)


_BASE = "retrieveAndGenerateConfiguration.knowledgeBaseConfiguration"
_FILES = "retrieveAndGenerateConfiguration.externalSourcesConfiguration"
_SETTINGS = "generationConfiguration.inferenceConfig.textInferenceConfig"


def _either(path: str) -> str:
    return f"{_FILES}.{path} | {_BASE}.{path}"


class RetrieveAndGenerate(Endpoint):
    """`RetrieveAndGenerate` and its stream: a question that the model answers from a knowledge base, or from files."""

    params = {
        "model": _either("modelArn"),
        "stream": "stream",
        "conversation_id": "sessionId",
        "max_tokens": _either(f"{_SETTINGS}.maxTokens"),
        "temperature": _either(f"{_SETTINGS}.temperature"),
        "top_p": _either(f"{_SETTINGS}.topP"),
        "stop_sequences": _either(f"{_SETTINGS}.stopSequences"),
        names.AWS_BEDROCK_GUARDRAIL_ID: _either("generationConfiguration.guardrailConfiguration.guardrailId"),
        names.AWS_BEDROCK_KNOWLEDGE_BASE_ID: f"{_BASE}.knowledgeBaseId",
    }
    results = {names.AWS_REQUEST_ID: "ResponseMetadata.RequestId"}

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message("user", [text(get(body, "input.text", ""))])]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if get(body, "guardrailAction") == "INTERVENED":
            op.finish_reasons = ["content_filter"]

    def response_content(self, op: Operation, body: Any) -> None:
        if said := get(body, "output.text"):
            reason = (op.finish_reasons or [op.end_reason or "error"])[0]
            op.output = [message("assistant", [text(said)], finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if action := get(chunk, "guardrail.action"):
            whole["guardrailAction"] = action

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if words := get(chunk, "output.text"):
            said = whole.setdefault("output", {"text": ""})
            said["text"] += words
