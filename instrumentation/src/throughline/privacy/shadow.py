"""The copy of a text on which detectors work: same length, plain ASCII notation, and its long runs; finds nothing.

A detector must not look at 32 KB character by character in Python, nor even with `re` (some 100 microseconds a
pattern). So the text is mapped to two symbols, "may belong to such a value" and "may not", by `bytes.translate`, and a
long enough run of the first is looked for by `bytes.find`; both do more than a gigabyte a second. Detectors see only
those runs.
"""

import re
import string
from collections.abc import Iterator

_FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
_DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-")
_SPACES = dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " ")
_FOLDS = tuple({**_DASHES, **_SPACES, **_FULL_WIDTH}.items())
# In JSON inside a string, "\n4111…" and "\u8a714111…" would glue a letter to a value and hide where it begins.
_ESCAPES = re.compile(r"(?<!\\)\\++(?:u[0-9A-Fa-f]{4}|[nrtbf\"'/])")

NUMERIC = string.digits + string.ascii_uppercase + " +-.()/"
"""Characters of printed numbers: phones, cards, IPv4, and with their capitals IBANs."""
OPAQUE = string.digits + string.ascii_letters + "_-.+/=~"
"""Characters of keys and tokens."""


def _marks(members: str) -> bytes:
    return bytes(1 if chr(code) in members else 0 for code in range(256))


_NUMERIC_MARKS, _NUMERIC_RUN = _marks(NUMERIC), b"\1" * 7  # the shortest phone number and the shortest IPv4 address
_OPAQUE_MARKS, _OPAQUE_RUN = _marks(OPAQUE), b"\1" * 16  # the shortest key that is masked behind a name
_INDENTATION = b" " * 4


class Shadow:
    """A text as detectors want it: `plain` and `ascii` have one character for each character of the text."""

    __slots__ = ("ascii", "plain")

    def __init__(self, text: str) -> None:
        self.plain = _plain(text)
        self.ascii = self.plain.encode("ascii", "replace")

    def numeric_runs(self) -> Iterator[tuple[int, int]]:
        """Start and end of each run that may hold a printed number."""
        return _runs(self.ascii, _NUMERIC_MARKS, _NUMERIC_RUN)

    def opaque_runs(self) -> Iterator[tuple[int, int]]:
        """Start and end of each run that may hold a key, a token or an IBAN in one piece."""
        return _runs(self.ascii, _OPAQUE_MARKS, _OPAQUE_RUN)


def _plain(text: str) -> str:
    if not text.isascii():
        for fancy, plain in _FOLDS:
            if fancy in text:
                text = text.replace(fancy, plain)
    if "\\" in text:
        text = _ESCAPES.sub(lambda escape: " " * len(escape[0]), text)
    return text


def _runs(content: bytes, members: bytes, run: bytes) -> Iterator[tuple[int, int]]:
    marks = content.translate(members)
    start, indented = marks.find(run), True
    while start >= 0:
        if indented and content.startswith(_INDENTATION, start):
            # Source code: a run at the beginning of each line. Without indentation there are a tenth as many.
            marks, indented = content.replace(_INDENTATION, b"\n" * len(_INDENTATION)).translate(members), False
            start = marks.find(run, start)
            continue
        end = marks.find(0, start + len(run))
        if end < 0:
            end = len(marks)
        yield start, end
        start = marks.find(run, end)
