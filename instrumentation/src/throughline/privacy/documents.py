"""JSON documents that come as a string, such as tool arguments: read for masking, written again; masks nothing itself.

Masking the string itself could leave a bare number's place with an unquoted placeholder, and would miss a value that
begins right behind an escape such as \\u8a71. So the document is parsed, its values are masked, and it is written anew.
"""

import json
from typing import Any


def parsed(text: str) -> tuple[Any] | None:
    """The document in a tuple of one, because it may itself be None; None if the text is no JSON document."""
    if text[:1] not in ("{", "[", '"'):
        return None
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def dumped(document: Any, like: str) -> str:
    """The document as a string, spaced and escaped like the one it came from."""
    separators = (", ", ": ") if '": ' in like or '", ' in like else (",", ":")
    indent = 2 if like[1:2] == "\n" else None
    return json.dumps(document, ensure_ascii=like.isascii(), separators=separators, indent=indent)
