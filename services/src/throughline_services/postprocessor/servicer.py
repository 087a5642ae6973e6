"""The gRPC face of the postprocessor: decode, call, encode."""

from typing import Any

from throughline_services.postprocessor.processing import Judged, process
from throughline_services.stubs import postprocessor_pb2 as messages


class PostprocessorServicer:
    """throughline.postprocessor.v1.Postprocessor"""

    async def Process(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        return _encoded(process(request.answer, request.passages, request.finish_reason, request.response_id))


def _encoded(judged: Judged) -> Any:
    scores = [
        messages.Score(name=score.name, value=score.value, label=score.label, explanation=score.explanation)
        for score in judged.scores
    ]
    return messages.ProcessResponse(answer=judged.answer, scores=scores, masked=judged.masked)
