"""What a provider's error means for the caller, as a status with a reason; quotes no provider message."""

import grpc
import openai

from throughline_services.runtime import ServiceError

Code = grpc.StatusCode

# Most specific first: the first class that fits decides.
MEANINGS: tuple[tuple[type[Exception], grpc.StatusCode, str, str], ...] = (
    (openai.RateLimitError, Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "the model's rate limit is reached: retry later"),
    (openai.AuthenticationError, Code.FAILED_PRECONDITION, "CREDENTIALS_REFUSED", "check OPENAI_API_KEY"),
    (openai.PermissionDeniedError, Code.FAILED_PRECONDITION, "CREDENTIALS_REFUSED", "this key may not use the model"),
    (openai.NotFoundError, Code.NOT_FOUND, "MODEL_UNKNOWN", "the provider does not know this model: check its name"),
    (openai.InternalServerError, Code.UNAVAILABLE, "MODEL_FAILED", "the model's server failed: retry later"),
    (openai.APIStatusError, Code.INVALID_ARGUMENT, "REQUEST_REFUSED", "the provider refused the request"),
    (openai.APITimeoutError, Code.DEADLINE_EXCEEDED, "MODEL_TIMEOUT", "the model did not answer in time"),
    (
        openai.APIConnectionError,
        Code.UNAVAILABLE,
        "MODEL_UNREACHABLE",
        "no connection to the model: check OPENAI_BASE_URL",
    ),
    (openai.APIError, Code.UNAVAILABLE, "STREAM_BROKEN", "the model's stream broke off: ask again"),
    (TimeoutError, Code.DEADLINE_EXCEEDED, "DEADLINE_REACHED", "the request's deadline came before the answer"),
)

# Of a refused request, the provider's code says more than its class.
REFUSALS = {
    "insufficient_quota": (Code.RESOURCE_EXHAUSTED, "QUOTA_EXHAUSTED", "the provider account's quota is used up"),
    "content_filter": (
        Code.INVALID_ARGUMENT,
        "PROMPT_FILTERED",
        "the provider's content filter refused the prompt: rephrase it",
    ),
    "context_length_exceeded": (
        Code.INVALID_ARGUMENT,
        "PROMPT_TOO_LONG",
        "the prompt is longer than the model takes: shorten it",
    ),
}


def meaning(error: Exception) -> ServiceError | None:
    """None for an error that is not a provider's."""
    refusal = REFUSALS.get(getattr(error, "code", None) or "")
    if refusal:
        return ServiceError(*refusal)
    return next((ServiceError(*rest) for kind, *rest in MEANINGS if isinstance(error, kind)), None)
