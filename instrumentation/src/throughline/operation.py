"""What one GenAI operation is, in the conventions' terms: fields and where each goes. No OpenTelemetry, no client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from throughline import names

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str]
Part: TypeAlias = dict[str, Any]  # one part of a message, as the conventions' JSON schemas define it
Message: TypeAlias = dict[str, Any]


def attr(name: str, *, start: bool = False, metric: bool = False, words: bool = False) -> Any:
    """A field exported as attribute `name`; `start`: known to samplers; `metric`: also a metric dimension; `words`: the
    application's own, in which anything may stand."""
    marks = {"attr": name, "start": start and name, "metric": metric and name, "words": words and name}
    return field(default=None, metadata=marks)


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

    agent_name: str | None = attr(names.AGENT_NAME, start=True)
    tool_name: str | None = attr(names.TOOL_NAME, start=True)
    workflow_name: str | None = attr(names.WORKFLOW_NAME, start=True)
    mcp_method: str | None = attr(names.MCP_METHOD_NAME, start=True)

    user_id: str | None = attr(names.USER_ID, start=True)
    session_id: str | None = attr(names.SESSION_ID, start=True)
    conversation_id: str | None = attr(names.CONVERSATION_ID, start=True)
    prompt_name: str | None = attr(names.PROMPT_NAME, start=True, metric=True)
    prompt_version: str | None = attr(names.PROMPT_VERSION, start=True, metric=True)
    prompt_variant: str | None = attr(names.PROMPT_VARIANT, start=True, metric=True)
    prompt_template_hash: str | None = attr(names.PROMPT_TEMPLATE_HASH, start=True)
    prompt_variables: Sequence[str] | None = attr(names.PROMPT_VARIABLES, start=True)
    experiment: str | None = attr(names.EXPERIMENT_NAME, start=True)
    keep: bool | None = attr(names.KEEP, start=True)
    judging: bool | None = attr(names.JUDGING, start=True)

    stream: bool | None = attr(names.REQUEST_STREAM)
    max_tokens: int | None = attr(names.REQUEST_MAX_TOKENS)
    temperature: float | None = attr(names.REQUEST_TEMPERATURE)
    top_p: float | None = attr(names.REQUEST_TOP_P)
    top_k: int | None = attr(names.REQUEST_TOP_K)
    frequency_penalty: float | None = attr(names.REQUEST_FREQUENCY_PENALTY)
    presence_penalty: float | None = attr(names.REQUEST_PRESENCE_PENALTY)
    seed: int | None = attr(names.REQUEST_SEED)
    choice_count: int | None = attr(names.REQUEST_CHOICE_COUNT)
    stop_sequences: Sequence[str] | None = attr(names.REQUEST_STOP_SEQUENCES, words=True)
    encoding_formats: Sequence[str] | None = attr(names.REQUEST_ENCODING_FORMATS)
    reasoning_level: str | None = attr(names.REQUEST_REASONING_LEVEL)
    previous_response_id: str | None = attr(names.REQUEST_PREVIOUS_RESPONSE_ID)
    output_type: str | None = attr(names.OUTPUT_TYPE)
    retrieval_top_k: int | None = attr(names.RETRIEVAL_TOP_K)

    agent_id: str | None = attr(names.AGENT_ID)
    agent_description: str | None = attr(names.AGENT_DESCRIPTION, words=True)
    agent_version: str | None = attr(names.AGENT_VERSION)
    tool_type: str | None = attr(names.TOOL_TYPE)
    tool_call_id: str | None = attr(names.TOOL_CALL_ID)
    tool_description: str | None = attr(names.TOOL_DESCRIPTION, words=True)
    mcp_protocol: str | None = attr(names.MCP_PROTOCOL_VERSION)
    network_transport: str | None = attr(names.NETWORK_TRANSPORT)
    network_protocol: str | None = attr(names.NETWORK_PROTOCOL_NAME)
    rpc_status: str | None = attr(names.RPC_RESPONSE_STATUS_CODE)
    memory_store_id: str | None = attr(names.MEMORY_STORE_ID)
    memory_record_id: str | None = attr(names.MEMORY_RECORD_ID)
    memory_record_count: int | None = attr(names.MEMORY_RECORD_COUNT)

    response_id: str | None = attr(names.RESPONSE_ID)
    response_model: str | None = attr(names.RESPONSE_MODEL, metric=True)
    finish_reasons: Sequence[str] | None = attr(names.RESPONSE_FINISH_REASONS)
    time_to_first_chunk: float | None = attr(names.RESPONSE_TIME_TO_FIRST_CHUNK)
    dimension_count: int | None = attr(names.EMBEDDINGS_DIMENSION_COUNT)
    input_tokens: int | None = attr(names.USAGE_INPUT_TOKENS)
    output_tokens: int | None = attr(names.USAGE_OUTPUT_TOKENS)
    time_per_output_token: float | None = attr(names.TIME_PER_OUTPUT_TOKEN)
    cache_read_tokens: int | None = attr(names.USAGE_CACHE_READ_INPUT_TOKENS)
    cache_creation_tokens: int | None = attr(names.USAGE_CACHE_CREATION_INPUT_TOKENS)
    reasoning_tokens: int | None = attr(names.USAGE_REASONING_OUTPUT_TOKENS)
    total_input_tokens: int | None = attr(names.TOTAL_INPUT_TOKENS)
    total_output_tokens: int | None = attr(names.TOTAL_OUTPUT_TOKENS)
    total_cost: float | None = attr(names.TOTAL_COST)
    total_inference_calls: int | None = attr(names.TOTAL_INFERENCE_CALLS)
    total_tool_calls: int | None = attr(names.TOTAL_TOOL_CALLS)
    cost: float | None = attr(names.COST_AMOUNT)
    cost_currency: str | None = attr(names.COST_CURRENCY)
    price_version: str | None = attr(names.COST_PRICE_VERSION)
    off_list: bool | None = field(default=None)
    """Whether the provider charges otherwise than by its list: a faster tier, a batch. Not exported."""
    usage_estimated: bool | None = attr(names.USAGE_ESTIMATED)
    requests_limit: int | None = attr(names.RATE_LIMIT_REQUESTS_LIMIT)
    requests_remaining: int | None = attr(names.RATE_LIMIT_REQUESTS_REMAINING)
    tokens_limit: int | None = attr(names.RATE_LIMIT_TOKENS_LIMIT)
    tokens_remaining: int | None = attr(names.RATE_LIMIT_TOKENS_REMAINING)
    limit_saturation: float | None = attr(names.RATE_LIMIT_SATURATION)
    retrieval_count: int | None = attr(names.RETRIEVAL_COUNT)
    retrieval_top_score: float | None = attr(names.RETRIEVAL_TOP_SCORE)
    prompt_fingerprint: str | None = attr(names.PROMPT_FINGERPRINT)
    error_type: str | None = attr(names.ERROR_TYPE, metric=True)
    attempt_count: int | None = attr(names.ATTEMPT_COUNT)
    end_reason: str | None = attr(names.END_REASON)
    content_truncated: Sequence[str] | None = attr(names.CONTENT_TRUNCATED)
    content_references: Sequence[str] | None = attr(names.CONTENT_REF)
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
    tool_arguments: Any = content(names.TOOL_CALL_ARGUMENTS)
    tool_result: Any = content(names.TOOL_CALL_RESULT)
    memory_query: str | None = content(names.MEMORY_QUERY_TEXT)
    memory_records: list[dict[str, Any]] | None = content(names.MEMORY_RECORDS)

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
_METRIC, _CONTENT, _WORDS = _names("metric"), _names("content"), _names("words")
METRIC_FIELDS = tuple(_METRIC)
"""The fields that are dimensions of the metrics of model calls."""
ATTRIBUTES = {**_START, **_LATER}
"""Field → attribute name, of all fields but content."""


_SUBJECTS = {
    "chat": "model",
    "generate_content": "model",
    "text_completion": "model",
    "embeddings": "model",
    "retrieval": "data_source",
    "create_agent": "agent_name",
    "invoke_agent": "agent_name",
    "plan": "agent_name",
    "execute_tool": "tool_name",
    "invoke_workflow": "workflow_name",
}
"""Operation → the field that its spans are named after; one that is not here is named by its operation alone."""


def named(op: Operation) -> str:
    """The name of this operation's span."""
    subject = op.__dict__.get(_SUBJECTS.get(str(op.name), ""))
    return f"{op.name} {subject}" if subject else str(op.name)


def start_attributes(op: Operation) -> dict[str, AttributeValue]:
    """What is known before the call, for the sampler to see."""
    return {_START[key]: value for key, value in op.__dict__.items() if key in _START and value is not None}


def later_attributes(op: Operation) -> dict[str, AttributeValue]:
    """Everything that is not a start attribute and not content."""
    own = {_LATER[key]: value for key, value in op.__dict__.items() if key in _LATER and value is not None}
    own.update(op.extra)
    return own


def take_words(op: Operation) -> dict[str, Any]:
    """The application's own words, which are no attributes of it from now on."""
    words = {name: op.__dict__.pop(key) for key, name in _WORDS.items() if op.__dict__.get(key)}
    if uri := op.extra.pop(names.MCP_RESOURCE_URI, None):
        words[names.MCP_RESOURCE_URI] = uri
    return words


def chosen_attributes(op: Operation, chosen: Sequence[str]) -> dict[str, AttributeValue]:
    """The attributes of these fields, as far as they are known."""
    known = op.__dict__
    return {ATTRIBUTES[key]: value for key in chosen if (value := known.get(key)) is not None}


def content_attributes(op: Operation) -> dict[str, Any]:
    """Captured content, not yet masked, by attribute name."""
    return {_CONTENT[key]: value for key, value in op.__dict__.items() if key in _CONTENT and value}


def forget_content(op: Operation) -> None:
    """Captured content was exported, and is needed no more."""
    for key in _CONTENT.keys() & op.__dict__.keys():
        del op.__dict__[key]


def inherit(op: Operation, around: Operation) -> None:
    """What an operation has of the one around it: its conversation, and a tool the agent that runs it."""
    known, above = op.__dict__, around.__dict__
    if "conversation_id" in above and known.get("conversation_id") is None:
        op.conversation_id = around.conversation_id
    if op.name == "execute_tool" and "agent_name" in above and known.get("agent_name") is None:
        op.agent_name = around.agent_name


def leave_out_defaults(op: Operation) -> None:
    """The conventions want these only where they say something: a stream, and more choices than one."""
    if not op.stream:
        op.stream = None
    if op.choice_count == 1:
        op.choice_count = None
