"""OpenAI's embeddings protocol over vectors made of words: texts that share words lie near each other."""

import base64
import hashlib
import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from throughline_services.simulator.tokens import count

DEFAULT_DIMENSIONS = 256


def reply(body: Mapping[str, Any]) -> dict[str, Any]:
    texts = [text if isinstance(text, str) else " ".join(map(str, text)) for text in _inputs(body["input"])]
    dimensions = body.get("dimensions") or DEFAULT_DIMENSIONS
    encode = _base64 if body.get("encoding_format") == "base64" else list
    spent = sum(map(count, texts))
    return {
        "object": "list",
        "model": body["model"],
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector(text, dimensions))}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def _inputs(given: Any) -> Sequence[Any]:
    """One text, one list of tokens, or a list of either."""
    single = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
    return [given] if single else given


def vector(text: str, dimensions: int) -> list[float]:
    """Each word adds to one coordinate; of length 1."""
    sums = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.sha256(word.encode()).digest()
        sums[int.from_bytes(digest[:4]) % dimensions] += 1.0 if digest[4] % 2 else -1.0
    length = math.hypot(*sums) or 1.0
    return [value / length for value in sums]


def _base64(values: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
