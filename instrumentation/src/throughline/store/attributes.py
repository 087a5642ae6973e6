"""Which type each attribute is indexed by, and what structured content consists of; knows no documents."""

from typing import Any, Final

from throughline import names
from throughline.records.proof import CONTENT

Mapping = dict[str, Any]

KEYWORD: Final[Mapping] = {"type": "keyword", "ignore_above": 1024}
TEXT: Final[Mapping] = {"type": "text", "norms": False}
LONG: Final[Mapping] = {"type": "long"}
DOUBLE: Final[Mapping] = {"type": "double"}
BOOLEAN: Final[Mapping] = {"type": "boolean"}
BYTE: Final[Mapping] = {"type": "byte"}
NANOSECONDS: Final[Mapping] = {"type": "date_nanos"}
UNREAD: Final[Mapping] = {"type": "object", "enabled": False}
KEPT: Final[Mapping] = {"type": "keyword", "index": False, "doc_values": False}
"""Only kept: what nobody searches by, and what is too long to be a word."""

_TEXTS: Final = (
    names.AGENT_DESCRIPTION,
    names.EVALUATION_EXPLANATION,
    names.EXCEPTION_MESSAGE,
    names.INPUT_MESSAGES,
    names.MEMORY_QUERY_TEXT,
    names.MEMORY_RECORDS,
    names.OUTPUT_MESSAGES,
    names.REJECTED_DOCUMENT,
    names.RETRIEVAL_DOCUMENTS,
    names.RETRIEVAL_QUERY_TEXT,
    names.SYSTEM_INSTRUCTIONS,
    names.TOOL_CALL_ARGUMENTS,
    names.TOOL_CALL_RESULT,
    names.TOOL_DEFINITIONS,
    names.TOOL_DESCRIPTION,
    "exception.stacktrace",
)
_KEPT: Final = (
    names.CHAIN_DIGEST,
    names.CHAIN_PREVIOUS,
    names.CHAIN_SALT,
    names.CHAIN_SALTED,
    names.CHECKPOINT_STATEMENT,
    names.CONTENT_SALT,
    names.CONTENT_SEALED,
    names.GAP_PREVIOUS,
)
_LONGS: Final = (
    names.ATTEMPT_COUNT,
    names.ATTEMPT_NUMBER,
    names.CHAIN_SEQUENCE,
    names.CLIENT_PORT,
    names.COMPARISON_NEEDED,
    names.COMPARISON_REQUESTS,
    names.COMPARISON_USERS,
    names.EMBEDDINGS_DIMENSION_COUNT,
    names.GAP_COUNT,
    names.GAP_FROM,
    names.GAP_TO,
    names.HTTP_RESPONSE_STATUS_CODE,
    names.MASK_COUNT,
    names.MASK_SECOND_PASS,
    names.MEMORY_RECORD_COUNT,
    names.RATE_LIMIT_REQUESTS_LIMIT,
    names.RATE_LIMIT_REQUESTS_REMAINING,
    names.RATE_LIMIT_TOKENS_LIMIT,
    names.RATE_LIMIT_TOKENS_REMAINING,
    names.RECORD_TIME_UNIX_NANO,
    names.REQUEST_CHOICE_COUNT,
    names.REQUEST_MAX_TOKENS,
    names.REQUEST_SEED,
    names.REQUEST_TOP_K,
    names.RETRIEVAL_COUNT,
    names.RETRIEVAL_TOP_K,
    names.SERVER_PORT,
    names.START_TIME_UNIX_NANO,
    names.STORAGE_BYTES,
    names.STORAGE_DOCUMENTS,
    names.STORAGE_OLDEST_UNIX_NANO,
    names.STORAGE_RETENTION_DAYS,
    names.TOTAL_INFERENCE_CALLS,
    names.TOTAL_INPUT_TOKENS,
    names.TOTAL_OUTPUT_TOKENS,
    names.TOTAL_TOOL_CALLS,
    names.USAGE_CACHE_CREATION_INPUT_TOKENS,
    names.USAGE_CACHE_READ_INPUT_TOKENS,
    names.USAGE_INPUT_TOKENS,
    names.USAGE_OUTPUT_TOKENS,
    names.USAGE_REASONING_OUTPUT_TOKENS,
    names.VERIFICATION_PROVEN,
    names.VERIFICATION_RECORDS,
)
_DOUBLES: Final = (
    names.ATTEMPT_DELAY,
    names.COMPARISON_EFFECT,
    names.COMPARISON_EFFECT_HIGH,
    names.COMPARISON_EFFECT_LOW,
    names.COMPARISON_P_VALUE,
    names.COMPARISON_VALUE,
    names.COST_AMOUNT,
    names.COST_CACHE_CREATION,
    names.COST_CACHE_READ,
    names.COST_INPUT,
    names.COST_OUTPUT,
    names.COST_REASONING,
    names.COST_REQUEST,
    names.DURATION,
    names.EVALUATION_SCORE_VALUE,
    names.RATE_LIMIT_SATURATION,
    names.REQUEST_FREQUENCY_PENALTY,
    names.REQUEST_PRESENCE_PENALTY,
    names.REQUEST_TEMPERATURE,
    names.REQUEST_TOP_P,
    names.RESPONSE_TIME_TO_FIRST_CHUNK,
    names.RETRIEVAL_TOP_SCORE,
    names.TIME_PER_OUTPUT_TOKEN,
    names.TOTAL_COST,
)
_BOOLEANS: Final = (
    names.CHECKPOINT_CLOSED,
    names.CONVERSATION_COMPACTED,
    names.JUDGING,
    names.KEEP,
    names.REQUEST_STREAM,
    names.USAGE_ESTIMATED,
)
_KEYWORDS: Final = (
    names.AGENT_ID,
    names.AGENT_NAME,
    names.AGENT_VERSION,
    names.AUDIT_ACTOR,
    names.AUDIT_REASON,
    names.AUDIT_RECORDS,
    names.AWS_BEDROCK_GUARDRAIL_ID,
    names.AWS_BEDROCK_KNOWLEDGE_BASE_ID,
    names.AWS_REQUEST_ID,
    names.CHAIN_ID,
    names.CLIENT_ADDRESS,
    names.COMPARISON_BASELINE,
    names.COMPARISON_METRIC,
    names.COMPARISON_VERDICT,
    names.CONTENT_REF,
    names.CONTENT_SEALED_FOR,
    names.CONTENT_SET_ASIDE,
    names.CONTENT_TRUNCATED,
    names.CONVERSATION_ID,
    names.COST_CURRENCY,
    names.COST_PRICE_VERSION,
    names.DATA_SOURCE_ID,
    names.END_REASON,
    names.ERROR_TYPE,
    names.EVALUATION_NAME,
    names.EVALUATION_SCORER,
    names.EVALUATION_SCORE_LABEL,
    names.EVALUATION_SOURCE,
    names.EXCEPTION_TYPE,
    names.EXPERIMENT_NAME,
    names.JSONRPC_REQUEST_ID,
    names.MASK_KINDS,
    names.MCP_METHOD_NAME,
    names.MCP_PROTOCOL_VERSION,
    names.MCP_RESOURCE_URI,
    names.MCP_SESSION_ID,
    names.MEMORY_RECORD_ID,
    names.MEMORY_STORE_ID,
    names.NETWORK_PROTOCOL_NAME,
    names.NETWORK_PROTOCOL_VERSION,
    names.NETWORK_TRANSPORT,
    names.OPENAI_API_TYPE,
    names.OPENAI_REQUEST_SERVICE_TIER,
    names.OPENAI_RESPONSE_SERVICE_TIER,
    names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT,
    names.OPERATION_NAME,
    names.OUTPUT_TYPE,
    names.PROMPT_FINGERPRINT,
    names.PROMPT_NAME,
    names.PROMPT_TEMPLATE_HASH,
    names.PROMPT_VARIABLES,
    names.PROMPT_VARIANT,
    names.PROMPT_VERSION,
    names.PROVIDER_NAME,
    names.RECORD_ID,
    names.REJECTED_REASON,
    names.REQUEST_ENCODING_FORMATS,
    names.REQUEST_MODEL,
    names.REQUEST_PREVIOUS_RESPONSE_ID,
    names.REQUEST_REASONING_LEVEL,
    names.REQUEST_STOP_SEQUENCES,
    names.REQUEST_STREAM_CURSOR,
    names.RESPONSE_FINISH_REASONS,
    names.RESPONSE_ID,
    names.RESPONSE_MODEL,
    names.RESPONSE_STATUS,
    names.RPC_RESPONSE_STATUS_CODE,
    names.SERVER_ADDRESS,
    names.SERVICE_NAME,
    names.SESSION_ID,
    names.SIGNING_KEY_ID,
    names.STORAGE_STREAM,
    names.TOKEN_TYPE,
    names.TOOL_CALL_ID,
    names.TOOL_NAME,
    names.TOOL_TYPE,
    names.USER_ID,
    names.VERIFICATION_FINDINGS,
    names.VERIFICATION_STATE,
    names.WORKFLOW_NAME,
)
ATTRIBUTES: Final[Mapping] = {
    **dict.fromkeys(_KEYWORDS, KEYWORD),
    **dict.fromkeys(_TEXTS, TEXT),
    **dict.fromkeys(_LONGS, LONG),
    **dict.fromkeys(_DOUBLES, DOUBLE),
    **dict.fromkeys(_BOOLEANS, BOOLEAN),
    **dict.fromkeys(_KEPT, KEPT),
}
APART: Final = (*CONTENT, names.CONTENT_SALT, names.CONTENT_SET_ASIDE)
"""What the Collector stores apart from its record, in a document of the same id."""

# What structured content consists of. A tool's arguments and results are indexed when they are strings, else only kept.
_PART: Final[Mapping] = {
    **dict.fromkeys(("type", "id", "name", "modality", "mime_type", "file_id", "uri"), KEYWORD),
    **dict.fromkeys(("content", "arguments", "response"), TEXT),
}
_MESSAGE: Final[Mapping] = {
    **dict.fromkeys(("role", "name", "finish_reason"), KEYWORD),
    "parts": TEXT,  # a list that is not mapped itself is skipped with all that is in it
    **{f"parts.{name}": kind for name, kind in _PART.items()},
}
_INSIDE: Final[dict[str, Mapping]] = {
    names.INPUT_MESSAGES: _MESSAGE,
    names.OUTPUT_MESSAGES: _MESSAGE,
    names.SYSTEM_INSTRUCTIONS: _PART,
    names.TOOL_DEFINITIONS: {"type": KEYWORD, "name": KEYWORD, "description": TEXT},
    names.RETRIEVAL_DOCUMENTS: {"id": KEYWORD, "score": DOUBLE, "content": TEXT},
    names.MEMORY_RECORDS: {"id": KEYWORD, "score": DOUBLE, "content": TEXT},
}
CONTENT_LEAVES: Final[Mapping] = {
    f"{attribute}.{leaf}": kind for attribute, leaves in _INSIDE.items() for leaf, kind in leaves.items()
}
