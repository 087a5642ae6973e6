"""Validates, masks and scores one answer; knows no gRPC message."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import throughline
from throughline.scores import Answer, Score, format_valid, groundedness, length, record, refusal

from throughline_services.runtime import ServiceError

CHECKS = (groundedness, format_valid, length, refusal)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the member may see, and what is thought of it."""

    answer: str
    scores: list[Score]
    masked: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said, and on what grounds."""

    answer: str
    passages: Sequence[str]
    finish_reason: str
    response_id: str = ""


def process(reply: Reply, masker: throughline.Masker) -> Judged:
    """Each score becomes an evaluation tied to the current trace and to the reply that is judged."""
    with throughline.step("post_process"):
        if not reply.finish_reason:
            message = "finish_reason is empty: send the one that the model gave"
            raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "FINISH_REASON_MISSING", message)
        masked = Counter[str]()
        safe = masker.text(reply.answer, masked)
        answer = Answer(reply.answer, reply.passages, finish_reason=reply.finish_reason)
        scores = record(answer, CHECKS, response_id=reply.response_id or None)
        return Judged(safe, scores, masked.total())
