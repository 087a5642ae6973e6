"""Validates, masks and scores one answer; knows no gRPC message."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import throughline

from throughline_services.postprocessor.scoring import Score, score
from throughline_services.runtime import ServiceError


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
    if not reply.finish_reason:
        message = "finish_reason is empty: send the one that the model gave"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "FINISH_REASON_MISSING", message)
    masked = Counter[str]()
    safe = masker.text(reply.answer, masked)
    scores = score(reply.answer, reply.passages, reply.finish_reason)
    for each in scores:
        throughline.evaluate(
            each.name,
            score=each.value,
            label=each.label,
            explanation=each.explanation,
            response_id=reply.response_id or None,
        )
    return Judged(safe, scores, masked.total())
