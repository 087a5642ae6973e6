"""The fields of a record in Elasticsearch, from the generated names; no query and no panel."""

from __future__ import annotations

from typing import Final

from throughline import names
from throughline.store.mappings import DELIVERY_DELAY


def attribute(name: str) -> str:
    """Where the Collector's exporter puts an attribute."""
    return f"attributes.{name}"


def measure(name: str) -> str:
    """Where it puts a metric."""
    return f"metrics.{name}"


TIME: Final = "@timestamp"
TRACE: Final = "trace_id"
EVENT: Final = "event_name"
DELIVERY: Final = DELIVERY_DELAY
"""Seconds from the end of a call until the Collector handed its record to Elasticsearch."""
SERVICE: Final = f"resource.{attribute(names.SERVICE_NAME)}"
ENVIRONMENT: Final = f"resource.{attribute(names.DEPLOYMENT_ENVIRONMENT_NAME)}"
OPERATION: Final = attribute(names.OPERATION_NAME)
PROVIDER: Final = attribute(names.PROVIDER_NAME)
MODEL: Final = attribute(names.REQUEST_MODEL)
PROMPT: Final = attribute(names.PROMPT_NAME)
VERSION: Final = attribute(names.PROMPT_VERSION)
VARIANT: Final = attribute(names.PROMPT_VARIANT)
USER: Final = attribute(names.USER_ID)
RECORD: Final = attribute(names.RECORD_ID)
DURATION: Final = attribute(names.DURATION)
ERROR: Final = attribute(names.ERROR_TYPE)
JUDGING: Final = attribute(names.JUDGING)
INPUT_TOKENS: Final = attribute(names.USAGE_INPUT_TOKENS)
OUTPUT_TOKENS: Final = attribute(names.USAGE_OUTPUT_TOKENS)
CACHED_TOKENS: Final = attribute(names.USAGE_CACHE_READ_INPUT_TOKENS)
REASONING_TOKENS: Final = attribute(names.USAGE_REASONING_OUTPUT_TOKENS)
FINISH: Final = attribute(names.RESPONSE_FINISH_REASONS)
FIRST_CHUNK: Final = attribute(names.RESPONSE_TIME_TO_FIRST_CHUNK)
PER_TOKEN: Final = attribute(names.TIME_PER_OUTPUT_TOKEN)
COST: Final = attribute(names.COST_AMOUNT)
CURRENCY: Final = attribute(names.COST_CURRENCY)
FINGERPRINT: Final = attribute(names.PROMPT_FINGERPRINT)
SATURATION: Final = attribute(names.RATE_LIMIT_SATURATION)
REQUESTS_LEFT: Final = attribute(names.RATE_LIMIT_REQUESTS_REMAINING)
TOKENS_LEFT: Final = attribute(names.RATE_LIMIT_TOKENS_REMAINING)
ATTEMPTS: Final = attribute(names.ATTEMPT_COUNT)
STARTED: Final = attribute(names.START_TIME_UNIX_NANO)
CHAIN: Final = attribute(names.CHAIN_ID)
SEQUENCE: Final = attribute(names.CHAIN_SEQUENCE)
MASKED: Final = attribute(names.MASK_COUNT)
MASK_KINDS: Final = attribute(names.MASK_KINDS)
SECOND_PASS: Final = attribute(names.MASK_SECOND_PASS)
END_REASON: Final = attribute(names.END_REASON)
AGENT: Final = attribute(names.AGENT_NAME)
TOOL: Final = attribute(names.TOOL_NAME)
WORKFLOW: Final = attribute(names.WORKFLOW_NAME)
CONVERSATION: Final = attribute(names.CONVERSATION_ID)
MODEL_CALLS: Final = attribute(names.TOTAL_INFERENCE_CALLS)
TOOL_CALLS: Final = attribute(names.TOTAL_TOOL_CALLS)
TOTAL_TOKENS_IN: Final = attribute(names.TOTAL_INPUT_TOKENS)
TOTAL_TOKENS_OUT: Final = attribute(names.TOTAL_OUTPUT_TOKENS)
TOTAL_COST: Final = attribute(names.TOTAL_COST)
DATA_SOURCE: Final = attribute(names.DATA_SOURCE_ID)
FOUND: Final = attribute(names.RETRIEVAL_COUNT)
TOP_SCORE: Final = attribute(names.RETRIEVAL_TOP_SCORE)
TEMPLATE: Final = attribute(names.PROMPT_TEMPLATE_HASH)
EXPERIMENT: Final = attribute(names.EXPERIMENT_NAME)
RESPONSE_MODEL: Final = attribute(names.RESPONSE_MODEL)
TEMPERATURE: Final = attribute(names.REQUEST_TEMPERATURE)
TOP_P: Final = attribute(names.REQUEST_TOP_P)
TOP_K: Final = attribute(names.REQUEST_TOP_K)
MOST_TOKENS: Final = attribute(names.REQUEST_MAX_TOKENS)
SEED: Final = attribute(names.REQUEST_SEED)
STREAMING: Final = attribute(names.REQUEST_STREAM)
SYSTEM_TEXT: Final = attribute(names.SYSTEM_INSTRUCTIONS)
INPUT_TEXT: Final = attribute(names.INPUT_MESSAGES)
OUTPUT_TEXT: Final = attribute(names.OUTPUT_MESSAGES)
SEARCH_TEXT: Final = attribute(names.RETRIEVAL_QUERY_TEXT)
PASSAGES: Final = attribute(names.RETRIEVAL_DOCUMENTS)
TOOL_ARGUMENTS: Final = attribute(names.TOOL_CALL_ARGUMENTS)
TOOL_RESULT: Final = attribute(names.TOOL_CALL_RESULT)
SCORE: Final = attribute(names.EVALUATION_NAME)
SCORE_VALUE: Final = attribute(names.EVALUATION_SCORE_VALUE)
SCORE_LABEL: Final = attribute(names.EVALUATION_SCORE_LABEL)
SCORE_SOURCE: Final = attribute(names.EVALUATION_SOURCE)
SCORER: Final = attribute(names.EVALUATION_SCORER)
EXPLANATION: Final = attribute(names.EVALUATION_EXPLANATION)
VERDICT: Final = attribute(names.VERIFICATION_STATE)
VERIFIED: Final = attribute(names.VERIFICATION_RECORDS)
PROVEN: Final = attribute(names.VERIFICATION_PROVEN)
FINDINGS: Final = attribute(names.VERIFICATION_FINDINGS)
BASELINE: Final = attribute(names.COMPARISON_BASELINE)
METRIC: Final = attribute(names.COMPARISON_METRIC)
COMPARED_VALUE: Final = attribute(names.COMPARISON_VALUE)
REQUESTS: Final = attribute(names.COMPARISON_REQUESTS)
USERS: Final = attribute(names.COMPARISON_USERS)
EFFECT: Final = attribute(names.COMPARISON_EFFECT)
EFFECT_LOW: Final = attribute(names.COMPARISON_EFFECT_LOW)
EFFECT_HIGH: Final = attribute(names.COMPARISON_EFFECT_HIGH)
P_VALUE: Final = attribute(names.COMPARISON_P_VALUE)
CONCLUSION: Final = attribute(names.COMPARISON_VERDICT)
NEEDED: Final = attribute(names.COMPARISON_NEEDED)
ACTOR: Final = attribute(names.AUDIT_ACTOR)
REASON: Final = attribute(names.AUDIT_REASON)
CONCERNED: Final = attribute(names.AUDIT_RECORDS)
LOST: Final = attribute(names.GAP_COUNT)
STREAM: Final = attribute(names.STORAGE_STREAM)
BYTES: Final = attribute(names.STORAGE_BYTES)
DOCUMENTS: Final = attribute(names.STORAGE_DOCUMENTS)
OLDEST: Final = attribute(names.STORAGE_OLDEST_UNIX_NANO)
RETENTION: Final = attribute(names.STORAGE_RETENTION_DAYS)
SPOOL_SIZE: Final = measure(names.SPOOL_SIZE)
SPOOL_RECORDS: Final = measure(names.SPOOL_RECORDS)
SPOOL_AGE: Final = measure(names.SPOOL_OLDEST_AGE)
SPOOL_DROPPED: Final = measure(names.SPOOL_DROPPED)
SPOOL_REFUSED: Final = measure(names.SPOOL_REFUSED)
