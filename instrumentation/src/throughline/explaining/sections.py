"""To which part of a request an attribute belongs, in the order in which a request runs; compares nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from throughline import names
from throughline.records.proof import CONTENT
from throughline.totals import MODEL_CALLS


class Section(StrEnum):
    """The parts of a request, in the order in which it runs."""

    IDENTITY = "who asked"
    PROMPT = "prompt"
    RETRIEVAL = "retrieval"
    MODEL = "model and parameters"
    MESSAGES = "messages"
    RESPONSE = "response"
    PROCESSING = "tools and processing"
    SCORES = "scores"
    SERVICE = "where it ran"
    TIMING = "timing"


SHARED: Final[Mapping[str, Section]] = {
    names.USER_ID: Section.IDENTITY,
    names.EXPERIMENT_NAME: Section.PROMPT,
    names.PROMPT_NAME: Section.PROMPT,
    names.PROMPT_VERSION: Section.PROMPT,
    names.PROMPT_VARIANT: Section.PROMPT,
    names.PROMPT_TEMPLATE_HASH: Section.PROMPT,
    names.PROMPT_VARIABLES: Section.PROMPT,
}
"""What all steps of a request have in common, so that it is compared once."""
IDS: Final = frozenset(
    {
        names.SESSION_ID,
        names.CONVERSATION_ID,
        names.RECORD_ID,
        names.RESPONSE_ID,
        names.REQUEST_PREVIOUS_RESPONSE_ID,
        names.TOOL_CALL_ID,
        names.AWS_REQUEST_ID,
        names.JSONRPC_REQUEST_ID,
        names.MCP_SESSION_ID,
        names.CLIENT_ADDRESS,
        names.CLIENT_PORT,
        names.SIGNING_KEY_ID,
        names.KEEP,
        names.OPERATION_NAME,
        "service.instance.id",
    }
)
"""What is another one, or the sampler's, in any two requests."""
TIMES: Final = frozenset(
    {
        names.DURATION,
        names.START_TIME_UNIX_NANO,
        names.RECORD_TIME_UNIX_NANO,
        names.RESPONSE_TIME_TO_FIRST_CHUNK,
        names.TIME_PER_OUTPUT_TOKEN,
        names.ATTEMPT_DELAY,
        names.RATE_LIMIT_REQUESTS_LIMIT,
        names.RATE_LIMIT_REQUESTS_REMAINING,
        names.RATE_LIMIT_TOKENS_LIMIT,
        names.RATE_LIMIT_TOKENS_REMAINING,
        names.RATE_LIMIT_SATURATION,
    }
)
"""Times, and what a provider had left at that time."""
TEXTS: Final[Mapping[str, Section]] = {
    names.RETRIEVAL_QUERY_TEXT: Section.RETRIEVAL,
    names.TOOL_DEFINITIONS: Section.MESSAGES,
    names.SYSTEM_INSTRUCTIONS: Section.MESSAGES,
    names.INPUT_MESSAGES: Section.MESSAGES,
    names.OUTPUT_MESSAGES: Section.RESPONSE,
    names.EXCEPTION_MESSAGE: Section.RESPONSE,
    names.TOOL_CALL_ARGUMENTS: Section.PROCESSING,
    names.TOOL_CALL_RESULT: Section.PROCESSING,
    names.MEMORY_QUERY_TEXT: Section.PROCESSING,
    names.MEMORY_RECORDS: Section.PROCESSING,
}
"""Content that is compared line by line, in this order."""
SET_APART: Final = frozenset({*CONTENT, names.CONTENT_SALT, names.CONTENT_SET_ASIDE, names.CONTENT_SEALED_FOR})
_PROOF: Final = (names.CHAIN_ID.removesuffix("id"), "redaction.")
_OF_REQUEST: Final = frozenset(
    {
        names.PROVIDER_NAME,
        names.SERVER_ADDRESS,
        names.SERVER_PORT,
        names.OPENAI_API_TYPE,
        names.OPENAI_REQUEST_SERVICE_TIER,
        names.OUTPUT_TYPE,
        names.EMBEDDINGS_DIMENSION_COUNT,
        names.AWS_BEDROCK_GUARDRAIL_ID,
    }
)
_REQUEST: Final = names.REQUEST_MODEL.removesuffix("model")


def section_of(attribute: str, step: str) -> Section | None:
    """None: it is an id, a part of the proof, compared otherwise, or compared once for all steps."""
    if attribute in IDS or attribute in TIMES or attribute in SHARED or attribute in SET_APART:
        return None
    if attribute.startswith(_PROOF):
        return None
    if attribute == names.PROMPT_FINGERPRINT:
        return Section.MESSAGES
    if step == "retrieval":
        return Section.RETRIEVAL
    if step not in MODEL_CALLS:
        return Section.PROCESSING
    return Section.MODEL if attribute in _OF_REQUEST or attribute.startswith(_REQUEST) else Section.RESPONSE
