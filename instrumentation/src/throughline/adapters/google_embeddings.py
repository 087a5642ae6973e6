"""Google's embeddings, by all three endpoints. Looks into their replies and leaves the decoding to the client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from throughline.adapter import Reader
from throughline.adapters.google_contents import spoken
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member, message, text

_SIZES = ("requests.0.outputDimensionality", "parameters.outputDimensionality", "outputDimensionality",
          "embedContentConfig.outputDimensionality")  # fmt: skip
_USAGE, _COUNT = '"usageMetadata"', '"token_count"'
_FIRST_VECTOR = re.compile(r'"values"\s*:\s*\[(?=\s*[-\d])')
_NUMBER = re.compile(r"\s*:\s*(\d+)")


class Embeddings(Reader):
    """`:batchEmbedContents` of the Gemini API, `:embedContent` and `:predict` of Vertex.

    Its reply is read as text: to decode a hundred vectors once more takes half as long as the whole call.
    """

    operation = "embeddings"
    params = {"model": "model"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.dimension_count = next((size for path in _SIZES if (size := fitting(get(body, path), int))), None)

    def request_content(self, op: Operation, body: Any) -> None:
        texts = [text(given) for one in items(body, "instances") if isinstance(given := member(one, "content"), str)]
        given = [member(one, "content") for one in (body, *items(body, "requests"))]
        op.input = [message("user", texts)] if texts else [spoken(content) for content in given if content]

    def response(self, op: Operation, body: Any) -> None:
        if not isinstance(body, str):
            return
        if first := _FIRST_VECTOR.search(body):
            op.dimension_count = 1 + body.count(",", first.end(), body.index("]", first.end()))
        if (told := body.rfind(_USAGE)) >= 0:
            usage, _ = json.JSONDecoder().raw_decode(body, body.index("{", told))
            op.input_tokens = fitting(member(usage, "promptTokenCount"), int)
        elif counts := list(_counts(body)):
            op.input_tokens = sum(counts)


def _counts(body: str) -> Iterator[int]:
    """What Vertex counted of each text."""
    at = body.find(_COUNT)
    while at >= 0:
        if found := _NUMBER.match(body, at + len(_COUNT)):
            yield int(found[1])
        at = body.find(_COUNT, at + 1)
