"""What prompts that begin alike have in common: one short hash of their masked, normalised beginning. Exports nothing.

Where the prompt has a template, it is the first 16 digits of the template's hash. Else it is made of the system
instructions, or of a system's or developer's message before the first user's, where there are any, and of the first
user's message where there are none:

1. its first 600 characters, a user's first 200, without the word that this cuts, are masked as content is;
2. case is folded; placeholders of masks and quoted parts (in double, typographic or back quotes, or in single ones
   around whole words; one that is not closed, to the end) become `*`; each number becomes `0`;
3. of the words between white space the first 32 count, of a user's message the first 8, with one space between;
4. the result is the first 16 hexadecimal digits of the HMAC-SHA256, under the masks' key, of the role (`system` or
   `user`), a newline and those words; without a key, of their SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from throughline.operation import Operation, Part
from throughline.totals import MODEL_CALLS

if TYPE_CHECKING:
    from throughline.privacy.masking import Masker

_DIGITS = 16
_MOST = {"system": 600, "user": 200}  # characters that are looked at
_WORDS = {"system": 32, "user": 8}  # words that count
_INSTRUCTING = ("system", "developer")
_VARIES = re.compile(
    r"""\[[a-z_]+(?::\w+)?\]|"[^"]*(?:"|$)|“[^”]*(?:”|$)|„[^“”]*(?:[“”]|$)|«[^»]*(?:»|$)|`+[^`]*(?:`+|$)|'(?<!\w')[^']*'(?!\w)"""
)
_MARKS = "\"'`[“„«"  # where none of these is, there is nothing of it
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_REMEMBERS = sys.hash_info.width == 64 and sys.hash_info.algorithm.startswith("siphash")
_MOST_REMEMBERED = 2_048


class Fingerprints:
    """Those of one masker. What it remembers of texts is their keyed hash alone."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._known: dict[tuple[str, int], str] = {}

    def of(self, op: Operation) -> str | None:
        """16 hexadecimal digits, or None where nothing that begins a prompt is known."""
        role, text = _beginning(op)
        if not text:
            return None
        place = (role, hash(text))
        known = self._known.get(place)
        if known is None:
            known = self._computed(role, self._masker.text(text))
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            if _REMEMBERS:
                self._known[place] = known
        return known

    def _computed(self, role: str, masked: str) -> str:
        text = masked.casefold()
        if any(mark in text for mark in _MARKS):
            text = _VARIES.sub("*", text)
        words = " ".join(text.split()[: _WORDS[role]])
        told = f"{role}\n{_NUMBER.sub('0', words)}".encode("utf-8", "surrogatepass")
        key = self._masker.key
        digest = hashlib.sha256(told).digest() if key is None else hmac.digest(key, told, "sha256")
        return digest.hex()[:_DIGITS]


def fingerprint(op: Operation, made: Fingerprints | None) -> None:
    """Write it on `op`, a model call, from its template's hash, or by `made` from how its prompt begins."""
    if op.name not in MODEL_CALLS:
        return
    if op.prompt_template_hash:
        op.prompt_fingerprint = op.prompt_template_hash[:_DIGITS]
    elif made is not None:
        op.prompt_fingerprint = made.of(op)


def _beginning(op: Operation) -> tuple[str, str]:
    """Whose words they are, `system` or `user`, and how they begin, not yet masked."""
    if op.system and (text := _text(op.system, "system")):
        return "system", text
    for message in op.input or ():
        role = "system" if message.get("role") in _INSTRUCTING else "user"
        if (role == "system" or message.get("role") == "user") and (text := _text(message.get("parts") or (), role)):
            return role, text
    return "user", ""


def _text(parts: Sequence[Part], role: str) -> str:
    most = _MOST[role]
    said = [part["content"] for part in parts if part.get("type") == "text" and isinstance(part.get("content"), str)]
    text = said[0] if len(said) == 1 else "\n".join(words[: most + 1] for words in said)
    return text if len(text) <= most else text[: most + 1].rpartition(" ")[0] or text[:most]
