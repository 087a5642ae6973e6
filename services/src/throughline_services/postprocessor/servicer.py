"""The gRPC face of the postprocessor: decode, call, encode."""

import asyncio
from typing import Any

import throughline

from throughline_services.postprocessor.processing import Judged, Reply, process
from throughline_services.stubs import postprocessor_pb2 as messages


class PostprocessorServicer:
    """throughline.postprocessor.v1.Postprocessor"""

    def __init__(self, masker: throughline.Masker) -> None:
        self._masker = masker

    async def Process(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        reply = Reply(request.answer, request.passages, request.finish_reason, request.response_id)
        # In a thread, which inherits the context: a megabyte of text must not stall the other requests.
        return _encoded(await asyncio.to_thread(process, reply, self._masker))


def _encoded(judged: Judged) -> Any:
    scores = [
        messages.Score(name=score.name, value=score.value, label=score.label, explanation=score.explanation)
        for score in judged.scores
    ]
    return messages.ProcessResponse(answer=judged.answer, scores=scores, masked=judged.masked)
