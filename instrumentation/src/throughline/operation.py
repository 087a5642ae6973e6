"""What one GenAI operation is, in the conventions' terms: fields and where each goes. No OpenTelemetry, no client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from throughline import names

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str]
Part: TypeAlias = dict[str, Any]  # one part of a message, as the conventions' JSON schemas define it
Message: TypeAlias = dict[str, Any]


def attr(name: str, *, start: bool = False, metric: bool = False) -> Any:
    """A field exported as attribute `name`; `start`: known to samplers; `metric`: also a metric dimension."""
    return field(default=None, metadata={"attr": name, "start": start and name, "metric": metric and name})


def content(name: str) -> Any:
    """A field exported as attribute `name` only where content is captured, and only after masking."""
    return field(default=None, metadata={"content": name})


@dataclass(init=False)
class Operation:
    """One call, filled in as it proceeds. A field left None is not exported.

    Neither slots nor a generated `__init__`: an operation has a third of its fields, and what was never set costs
    nothing so.
    """

    name: str | None = attr(names.OPERATION_NAME, start=True, metric=True)
    provider: str | None = attr(names.PROVIDER_NAME, start=True, metric=True)
    model: str | None = attr(names.REQUEST_MODEL, start=True, metric=True)
    server_address: str | None = attr(names.SERVER_ADDRESS, start=True, metric=True)
    server_port: int | None = attr(names.SERVER_PORT, start=True, metric=True)
    data_source: str | None = attr(names.DATA_SOURCE_ID, start=True)

    user_id: str | None = attr(names.USER_ID, start=True)
    session_id: str | None = attr(names.SESSION_ID, start=True)
    conversation_id: str | None = attr(names.CONVERSATION_ID, start=True)
    prompt_name: str | None = attr(names.PROMPT_NAME, start=True, metric=True)
    prompt_version: str | None = attr(names.PROMPT_VERSION, start=True, metric=True)
    prompt_variant: str | None = attr(names.PROMPT_VARIANT, start=True, metric=True)
    keep: bool | None = attr(names.KEEP, start=True)

    stream: bool | None = attr(names.REQUEST_STREAM)
    max_tokens: int | None = attr(names.REQUEST_MAX_TOKENS)
    temperature: float | None = attr(names.REQUEST_TEMPERATURE)
    top_p: float | None = attr(names.REQUEST_TOP_P)
    top_k: int | None = attr(names.REQUEST_TOP_K)
    frequency_penalty: float | None = attr(names.REQUEST_FREQUENCY_PENALTY)
    presence_penalty: float | None = attr(names.REQUEST_PRESENCE_PENALTY)
    seed: int | None = attr(names.REQUEST_SEED)
    choice_count: int | None = attr(names.REQUEST_CHOICE_COUNT)
    stop_sequences: Sequence[str] | None = attr(names.REQUEST_STOP_SEQUENCES)
    encoding_formats: Sequence[str] | None = attr(names.REQUEST_ENCODING_FORMATS)
    reasoning_level: str | None = attr(names.REQUEST_REASONING_LEVEL)
    previous_response_id: str | None = attr(names.REQUEST_PREVIOUS_RESPONSE_ID)
    output_type: str | None = attr(names.OUTPUT_TYPE)
    retrieval_top_k: int | None = attr(names.RETRIEVAL_TOP_K)

    response_id: str | None = attr(names.RESPONSE_ID)
    response_model: str | None = attr(names.RESPONSE_MODEL, metric=True)
    finish_reasons: Sequence[str] | None = attr(names.RESPONSE_FINISH_REASONS)
    time_to_first_chunk: float | None = attr(names.RESPONSE_TIME_TO_FIRST_CHUNK)
    dimension_count: int | None = attr(names.EMBEDDINGS_DIMENSION_COUNT)
    input_tokens: int | None = attr(names.USAGE_INPUT_TOKENS)
    output_tokens: int | None = attr(names.USAGE_OUTPUT_TOKENS)
    cache_read_tokens: int | None = attr(names.USAGE_CACHE_READ_INPUT_TOKENS)
    cache_creation_tokens: int | None = attr(names.USAGE_CACHE_CREATION_INPUT_TOKENS)
    reasoning_tokens: int | None = attr(names.USAGE_REASONING_OUTPUT_TOKENS)
    usage_estimated: bool | None = attr(names.USAGE_ESTIMATED)
    error_type: str | None = attr(names.ERROR_TYPE, metric=True)
    attempt_count: int | None = attr(names.ATTEMPT_COUNT)
    end_reason: str | None = attr(names.END_REASON)
    mask_count: int | None = attr(names.MASK_COUNT)
    mask_kinds: Sequence[str] | None = attr(names.MASK_KINDS)

    system: list[Part] | None = content(names.SYSTEM_INSTRUCTIONS)
    input: list[Message] | None = content(names.INPUT_MESSAGES)
    output: list[Message] | None = content(names.OUTPUT_MESSAGES)
    tools: list[Part] | None = content(names.TOOL_DEFINITIONS)
    extra: dict[str, AttributeValue] = field(default_factory=dict)
    """Attributes that only one provider has, by attribute name."""

    query: str | None = content(names.RETRIEVAL_QUERY_TEXT)
    documents: list[dict[str, Any]] | None = content(names.RETRIEVAL_DOCUMENTS)

    def __init__(self) -> None:
        self.extra = {}


def _names(mark: str, *, without: str = "") -> dict[str, str]:
    """Field → attribute name, of the fields that carry `mark`."""
    return {f.name: f.metadata[mark] for f in fields(Operation) if f.metadata.get(mark) and not f.metadata.get(without)}


_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "Sequence[str]": list}
FIELD_TYPES: dict[str, type] = {
    f.name: _TYPES[kind] for f in fields(Operation) if (kind := str(f.type).removesuffix(" | None")) in _TYPES
}
"""Field → what the conventions' registry wants it to be."""


def fitting(value: Any, kind: type) -> Any:
    """`value` as the registry wants it, or None where it is nothing of the kind."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is list and isinstance(value, (list, tuple)):
        return [item for item in value if isinstance(item, str)]
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    return None


_START, _LATER = _names("start"), _names("attr", without="start")
_METRIC, _CONTENT = _names("metric"), _names("content")
METRIC_FIELDS = tuple(_METRIC)
"""The fields that are dimensions of metrics."""


def start_attributes(op: Operation) -> dict[str, AttributeValue]:
    """What is known before the call, for the sampler to see."""
    return {_START[key]: value for key, value in op.__dict__.items() if key in _START and value is not None}


def later_attributes(op: Operation) -> dict[str, AttributeValue]:
    """Everything that is not a start attribute and not content."""
    own = {_LATER[key]: value for key, value in op.__dict__.items() if key in _LATER and value is not None}
    return own | op.extra


def metric_attributes(op: Operation) -> dict[str, AttributeValue]:
    """The bounded dimensions of the metrics; no user, no session, no id."""
    return {_METRIC[key]: value for key, value in op.__dict__.items() if key in _METRIC and value is not None}


def content_attributes(op: Operation) -> dict[str, Any]:
    """Captured content, not yet masked, by attribute name."""
    return {_CONTENT[key]: value for key, value in op.__dict__.items() if key in _CONTENT and value}
