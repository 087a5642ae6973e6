"""The attributes that may set a request apart, what they are called, and when they are settled. Compares nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from throughline import names

LEAST_PEERS: Final = 30
"""With fewer, nothing is blamed."""
SUPPORT: Final = 5
"""So many peers must have a value, and so many lack it, for it to be judged."""


class When(StrEnum):
    """When it is settled what an attribute is."""

    BEFORE = "before"
    """By how the request was made and where it ran: a cause."""
    DURING = "during"
    """As it ran: perhaps what a cause brought about."""
    WHO = "who"
    """By who asked: named only where nothing else explains as much."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One that is looked at; of several with the same values in all requests, the first in the table is named."""

    name: str
    label: str
    when: When = When.BEFORE
    number: Literal["sum", "most"] | None = None
    """Of a number, what the steps of a kind come to together; None: its values are words."""
    is_shared: bool = False
    """Whether all steps of a request have the same."""
    of_resource: bool = False

    def read(self, attributes: Mapping[str, Any], resource: Mapping[str, Any]) -> object:
        """Its value on one step."""
        return (resource if self.of_resource else attributes).get(self.name)


def _shared(name: str, label: str, when: When = When.BEFORE) -> Attribute:
    return Attribute(name, label, when, is_shared=True)


def _during(name: str, label: str, number: Literal["sum", "most"] | None = None) -> Attribute:
    return Attribute(name, label, When.DURING, number)


def _place(name: str, label: str) -> Attribute:
    return Attribute(name, label, of_resource=True)


ATTRIBUTES: Final = (
    Attribute(names.REQUEST_MODEL, "model"),
    Attribute(names.PROVIDER_NAME, "provider"),
    Attribute(names.SERVER_ADDRESS, "server"),
    Attribute(names.DATA_SOURCE_ID, "data source"),
    Attribute(names.TOOL_NAME, "tool"),
    Attribute(names.AGENT_NAME, "agent"),
    _shared(names.PROMPT_VARIANT, "prompt variant"),
    _shared(names.PROMPT_VERSION, "prompt version"),
    _shared(names.PROMPT_NAME, "prompt"),
    _shared(names.PROMPT_TEMPLATE_HASH, "prompt template"),
    _shared(names.EXPERIMENT_NAME, "experiment"),
    _place("host.name", "host"),
    _place("service.version", "service version"),
    _place("service.instance.id", "service instance"),
    _place(names.SERVICE_NAME, "service"),
    _place(names.DEPLOYMENT_ENVIRONMENT_NAME, "environment"),
    Attribute(names.REQUEST_STREAM, "stream"),
    Attribute(names.REQUEST_REASONING_LEVEL, "reasoning level"),
    Attribute(names.OPENAI_REQUEST_SERVICE_TIER, "service tier asked for"),
    Attribute(names.REQUEST_TEMPERATURE, "temperature", number="most"),
    Attribute(names.REQUEST_TOP_P, "top_p", number="most"),
    Attribute(names.REQUEST_MAX_TOKENS, "max_tokens", number="most"),
    Attribute(names.RETRIEVAL_TOP_K, "top_k", number="most"),
    Attribute(names.REQUEST_TOP_K, "sampling top_k", number="most"),
    Attribute(names.USAGE_INPUT_TOKENS, "input tokens", number="sum"),
    _shared(names.PROMPT_FINGERPRINT, "prompts like it"),
    _during(names.ATTEMPT_COUNT, "attempts", "most"),
    _during(names.RATE_LIMIT_SATURATION, "rate limit used", "most"),
    _during(names.USAGE_OUTPUT_TOKENS, "output tokens", "sum"),
    _during(names.USAGE_REASONING_OUTPUT_TOKENS, "reasoning tokens", "sum"),
    _during(names.USAGE_CACHE_READ_INPUT_TOKENS, "tokens from the cache", "sum"),
    _during(names.RETRIEVAL_COUNT, "passages found", "sum"),
    _during(names.RETRIEVAL_TOP_SCORE, "best passage's score", "most"),
    _during(names.RESPONSE_FINISH_REASONS, "finish reason"),
    _during(names.END_REASON, "end"),
    _during(names.ERROR_TYPE, "error"),
    _during(names.RESPONSE_MODEL, "model that answered"),
    _during(names.OPENAI_RESPONSE_SERVICE_TIER, "service tier given"),
    _during(names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, "system fingerprint"),
    _shared(names.USER_ID, "user", When.WHO),
)
BEFORE_FAILURE: Final = frozenset({names.RATE_LIMIT_SATURATION})
"""What is settled during a step, and still told of one that failed as of one that did not."""
READ: Final = (
    names.OPERATION_NAME,
    names.RECORD_ID,
    names.DURATION,
    names.START_TIME_UNIX_NANO,
    names.RESPONSE_TIME_TO_FIRST_CHUNK,
    names.ATTEMPT_DELAY,
    *(each.name for each in ATTRIBUTES if not each.of_resource),
)
READ_OF_RESOURCE: Final = tuple(each.name for each in ATTRIBUTES if each.of_resource)
