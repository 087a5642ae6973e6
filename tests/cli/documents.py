"""Known records, evaluations and spans in the shape in which the Collector writes them; no two tests' opinion.

Three requests of one service, on a day that no other test writes in: ada's succeeded, bob's failed, and of carol's the
sampler kept no trace. A judge's call is another service's.
"""

from __future__ import annotations

from typing import Any, Final

from throughline import names
from throughline.records.proof import CONTENT

Document = dict[str, Any]
SERVICE: Final = "cli-tests"
JUDGE: Final = "cli-judge"
START: Final = 1_781_000_000_000  # milliseconds; 2026-06-09
ADA, BOB, CAROL, DORA = (f"c11{digit}" + digit * 28 for digit in "abcd")
ALIKE: Final = "ab" * 8
TWIN: Final = ADA[:8] + "0" * 24  # begins like ada's
RECORDS, CONTENTS, EVALUATIONS, SPANS, EVENTS = (
    "logs-genai.record.otel-cli",
    "logs-genai.content.otel-cli",
    "logs-genai.evaluation.otel-cli",
    "traces-generic.otel-cli",
    "logs-generic.otel-cli",
)
LONG: Final = "A second opinion costs nothing. " * 40
CHAT_SPAN, SEARCH_SPAN, ROOT_SPAN = "c" * 16, "d" * 16, "e" * 16


def all_documents() -> list[tuple[str, str, Document]]:
    """(stream, id, document) of everything."""
    return [
        *taken_apart(RECORDS, f"{ADA}{SEARCH_SPAN}", record(ADA, SEARCH_SPAN, 0, ada_retrieval())),
        *taken_apart(RECORDS, f"{ADA}{CHAT_SPAN}", record(ADA, CHAT_SPAN, 1000, ada_chat())),
        *taken_apart(RECORDS, f"{BOB}{CHAT_SPAN}", record(BOB, CHAT_SPAN, 60_000, bob_chat())),
        *taken_apart(RECORDS, f"{CAROL}{CHAT_SPAN}", record(CAROL, CHAT_SPAN, 120_000, carol_chat())),
        *taken_apart(RECORDS, f"{DORA}{CHAT_SPAN}", of_service(JUDGE, record(DORA, CHAT_SPAN, 3000, judging()))),
        *taken_apart(EVALUATIONS, f"{ADA}{'f' * 16}", evaluation(ADA)),
        *taken_apart(EVALUATIONS, f"{TWIN}{'f' * 16}", evaluation(TWIN)),
        *((SPANS, f"{trace}{span['span_id']}", span) for trace in (ADA, BOB) for span in spans(trace)),
        (EVENTS, f"{BOB}attempt", attempt(BOB)),
    ]


def taken_apart(stream: str, identity: str, document: Document) -> list[tuple[str, str, Document]]:
    """The record and, under the same id, what was said, as the Collector stores them."""
    said = {name: value for name, value in document["attributes"].items() if name in CONTENT}
    known = {name: value for name, value in document["attributes"].items() if name not in CONTENT}
    parts = [(stream, identity, {**document, "attributes": known})]
    if said:
        parts.append((CONTENTS, identity, {**document, "attributes": {names.RECORD_ID: identity, **said}}))
    return parts


def record(trace: str, span: str, after: int, attributes: Document) -> Document:
    return {
        **_envelope(trace, span, after, {names.RECORD_ID: f"{trace}{span}", **attributes}),
        "event_name": names.CLIENT_INFERENCE_OPERATION_DETAILS,
    }


def of_service(service: str, document: Document) -> Document:
    return {**document, "resource": {"attributes": {"service.name": service}}}


def judging() -> Document:
    return {**_chat("dora", "large", 2.0), names.JUDGING: True}


def ada_retrieval() -> Document:
    return {
        names.OPERATION_NAME: "retrieval",
        names.USER_ID: "ada",
        names.DATA_SOURCE_ID: "corpus",
        names.DURATION: 0.2,
        names.RETRIEVAL_QUERY_TEXT: "opinion?",
        names.RETRIEVAL_DOCUMENTS: [{"id": "care-line", "score": 7.25}],
    }


def ada_chat() -> Document:
    return {
        **_chat("ada", "small", 1.5),
        names.SESSION_ID: "s-1",
        names.CONVERSATION_ID: "c-1",
        names.PROMPT_VARIANT: "concise",
        names.PROMPT_FINGERPRINT: ALIKE,
        names.EXPERIMENT_NAME: "wording",
        names.USAGE_INPUT_TOKENS: 1200,
        names.USAGE_OUTPUT_TOKENS: 34,
        names.COST_AMOUNT: 0.0042,
        names.COST_CURRENCY: "USD",
        names.MASK_KINDS: ["email:2"],
        names.INPUT_MESSAGES: [_message("user", "May I [bold]ask[/bold] \x1b[31mtwice?")],
        names.OUTPUT_MESSAGES: [{**_message("assistant", LONG), "finish_reason": "stop"}],
    }


def bob_chat() -> Document:
    return {**_chat("bob", "large", 9.0), names.ERROR_TYPE: "RateLimitError", names.ATTEMPT_COUNT: 3}


def carol_chat() -> Document:
    return {
        **_chat("carol", "small", 0.5),
        names.PROMPT_FINGERPRINT: ALIKE,
        names.USAGE_INPUT_TOKENS: 100,
        names.USAGE_OUTPUT_TOKENS: 6,
        names.INPUT_MESSAGES: [_message("user", "What is the weather on Mars?")],
    }


def _chat(user: str, model: str, duration: float) -> Document:
    return {
        names.OPERATION_NAME: "chat",
        names.USER_ID: user,
        names.REQUEST_MODEL: model,
        names.DURATION: duration,
        names.PROMPT_NAME: "help",
        names.PROMPT_VERSION: "1",
    }


def _message(role: str, content: str) -> Document:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def evaluation(trace: str) -> Document:
    attributes = {
        names.EVALUATION_NAME: "grounded",
        names.EVALUATION_SCORE_VALUE: 0.75,
        names.EVALUATION_SCORE_LABEL: "mostly",
        names.EVALUATION_EXPLANATION: "3 of 4",
    }
    return {**_envelope(trace, CHAT_SPAN, 3000, attributes), "event_name": names.EVALUATION_RESULT}


def spans(trace: str) -> list[Document]:
    """A root and the call under it; bob's failed."""
    failed = {"status": {"code": "Error", "message": "too many"}} if trace == BOB else {"status": {}}
    call = {names.OPERATION_NAME: "chat", names.REQUEST_MODEL: "large", "tailsampling.policy": "error"}
    if trace == BOB:
        call |= {names.ERROR_TYPE: "RateLimitError", names.ATTEMPT_COUNT: 3}
    return [
        {**_envelope(trace, ROOT_SPAN, 0, {}), "name": "POST /ask", "duration": 2_000_000_000, "kind": "Server"}
        | failed,
        {
            **_envelope(trace, CHAT_SPAN, 500, call),
            **failed,
            "name": "chat large",
            "parent_span_id": ROOT_SPAN,
            "duration": 1_500_000_000,
            "kind": "Client",
        },
    ]


def attempt(trace: str) -> Document:
    attributes = {names.HTTP_RESPONSE_STATUS_CODE: 429, names.ATTEMPT_NUMBER: 1}
    return {**_envelope(trace, CHAT_SPAN, 600, attributes), "event_name": names.ATTEMPT}


def _envelope(trace: str, span: str, after: int, attributes: Document) -> Document:
    return {
        "@timestamp": f"{START + after}.0",
        "trace_id": trace,
        "span_id": span,
        "attributes": attributes,
        "resource": {"attributes": {"service.name": SERVICE}},
    }
