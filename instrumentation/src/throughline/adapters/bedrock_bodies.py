"""What `InvokeModel` puts around a model's own body, and which reader that body has. No calls."""

from __future__ import annotations

from typing import Any, ClassVar

from throughline import names
from throughline.adapters.anthropic import Messages
from throughline.adapters.bedrock_converse import Converse, Endpoint
from throughline.adapters.bedrock_families import Choices, CommandR, Completion, Embeddings, Opaque
from throughline.operation import Operation, fitting
from throughline.parts import get, member, parsed

_COUNTS = {"Input": "input_tokens", "Output": "output_tokens", "CacheReadInput": "cache_read_tokens",
           "CacheWriteInput": "cache_creation_tokens"}  # fmt: skip


class Invoked(Endpoint):
    """`InvokeModel` and its stream, around the body of some family: `super()` is that family's reader."""

    says_more: ClassVar[bytes] = b""
    """What is in chunks, nearly all, that only say more text, so that `fold` need not decode them."""

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body["body"])
        op.model, op.stream = fitting(member(body, "modelId"), str), member(body, "stream")
        if guardrail := fitting(member(body, "guardrailIdentifier"), str):
            op.extra[names.AWS_BEDROCK_GUARDRAIL_ID] = guardrail

    def request_content(self, op: Operation, body: Any) -> None:
        super().request_content(op, body["body"])

    def response(self, op: Operation, body: Any) -> None:
        if request_id := get(body, "ResponseMetadata.RequestId"):
            op.extra[names.AWS_REQUEST_ID] = request_id
        reply = get(body, "body", {})
        super().response(op, reply)
        if op.input_tokens is None and op.output_tokens is None:
            _count(op, body)
        if get(reply, "amazon-bedrock-guardrailAction") == "INTERVENED":
            op.finish_reasons = ["content_filter"]

    def response_content(self, op: Operation, body: Any) -> None:
        super().response_content(op, get(body, "body", {}))

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        content = get(chunk, "chunk.bytes", b"")
        if self.says_more and self.says_more in content:
            return
        told = json_body(content)
        reply = whole.setdefault("body", {})
        for key in ("amazon-bedrock-invocationMetrics", "amazon-bedrock-guardrailAction"):
            if key in told:
                reply[key] = told[key]
        super().fold(reply, told)

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold_content(whole.setdefault("body", {}), json_body(get(chunk, "chunk.bytes")))


def _count(op: Operation, body: Any) -> None:
    """What Bedrock itself counted, in headers or in a stream's last chunk, where the model told nothing."""
    headers = get(body, "ResponseMetadata.HTTPHeaders", {})
    metrics = get(body, "body.amazon-bedrock-invocationMetrics", {})
    for name, field in _COUNTS.items():
        header = "-".join(["x-amzn-bedrock", *_words(name), "token-count"])
        told = member(headers, header) or member(metrics, f"{name[0].lower()}{name[1:]}TokenCount")
        count = int(told) if isinstance(told, str) and told.isdecimal() else fitting(told, int)
        if count is not None and (field == "input_tokens" or op.name != "embeddings"):
            setattr(op, field, count)
    if op.input_tokens is not None:
        op.input_tokens += (op.cache_read_tokens or 0) + (op.cache_creation_tokens or 0)


def _words(name: str) -> list[str]:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).split()


class AnthropicBody(Invoked, Messages):
    """Anthropic's messages."""

    says_more = b'"content_block_delta"'


class NovaBody(Invoked, Converse):
    """Nova's messages."""

    says_more = b'"contentBlockDelta"'


class CompletionBody(Invoked, Completion):
    """A prompt of any family."""


class CommandRBody(Invoked, CommandR):
    """Command R's message."""


class ChoicesBody(Invoked, Choices):
    """Messages as OpenAI shaped them."""


class EmbeddingsBody(Invoked, Embeddings):
    """Texts to embed."""


class OpaqueBody(Invoked, Opaque):
    """Anything else."""


_ANTHROPIC, _NOVA, _COMPLETION, _COMMAND_R = AnthropicBody(), NovaBody(), CompletionBody(), CommandRBody()
_CHOICES, _EMBEDDINGS, _OPAQUE = ChoicesBody(), EmbeddingsBody(), OpaqueBody()


def reader_of(model: str, body: Any) -> Invoked:
    """Who reads this body of this model, whose name may be an ARN or a profile that tells nothing of its family."""
    if "embed" in model.rpartition("/")[2]:
        return _EMBEDDINGS
    if member(body, "prompt") is not None and "messages" not in body:
        return _OPAQUE if _is_no_text(model) else _COMPLETION
    if "inputText" in body:
        return _COMPLETION if "textGenerationConfig" in body or "titan-t" in model else _EMBEDDINGS
    if "messages" in body:
        return _reader_of_messages(model, body)
    if "texts" in body or "input_type" in body:
        return _EMBEDDINGS
    if isinstance(member(body, "message"), str):
        return _COMMAND_R
    return _ANTHROPIC if "anthropic." in model else _OPAQUE


def _reader_of_messages(model: str, body: Any) -> Invoked:
    if "anthropic_version" in body or "anthropic." in model:
        return _ANTHROPIC
    first = get(body, "messages.0.content.0")
    of_nova = "inferenceConfig" in body or ".nova" in model or (isinstance(first, dict) and "type" not in first)
    return _NOVA if of_nova else _CHOICES


def _is_no_text(model: str) -> bool:
    return any(kind in model for kind in ("stability.", "image", "canvas", "reel", "ray"))


def json_body(body: Any) -> Any:
    """The object in a request's or a reply's bytes; an empty one where there is none, or only the client may read."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        body = str(body, "utf-8", "replace")
    found = parsed(body.strip()) if isinstance(body, str) else None
    return found if isinstance(found, dict) else {}
