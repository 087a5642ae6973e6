"""An estimate of tokens where the provider sent no usage and the owner asked for one. Not a tokenizer."""

from __future__ import annotations

import json

from throughline.operation import Operation

_BYTES_PER_TOKEN = 4  # the rule of thumb that providers publish for English text


def estimate(op: Operation) -> None:
    """Fill missing token counts from the length of the content, marked as an estimate."""
    for name, content in (("input_tokens", [op.system, op.input, op.tools]), ("output_tokens", [op.output])):
        if getattr(op, name) is None and any(content):
            size = len(json.dumps(content, default=str, ensure_ascii=False).encode())
            setattr(op, name, -(-size // _BYTES_PER_TOKEN))
            op.usage_estimated = True
