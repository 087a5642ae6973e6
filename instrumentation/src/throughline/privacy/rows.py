"""Tells a value in groups of digits from a row of numbers, by its neighbours; finds no value itself.

"212 555 0123" is a phone, but not in "7 212 555 0123 18 4". Only values grouped by spaces are asked for. A placeholder
counts as the number that it stands for, so that a masked text gives the same answers as the text did.
"""

import re

_PLACEHOLDER = r"\[(?:phone|payment_card|my_number|iban|ip_address)(?::[0-9a-f]{10})?\]"
_BEFORE = re.compile(rf"(?:(?<![\w-])\d{{1,19}}|{_PLACEHOLDER}) \Z", re.ASCII)
_LONGEST_BEFORE = 32
_ONE_BEHIND = re.compile(rf" (?:\d|{_PLACEHOLDER})", re.ASCII)
_TWO_BEHIND = re.compile(rf" (?:\d+|{_PLACEHOLDER}) (?:\d|{_PLACEHOLDER})", re.ASCII)


def follows_number(text: str, start: int) -> bool:
    """Whether a number stands before the place, one space away."""
    if text[start - 1 : start] != " ":
        return False
    return _BEFORE.search(text, max(0, start - _LONGEST_BEFORE), start) is not None


def precedes_number(text: str, end: int) -> bool:
    """Whether a number stands behind the place, one space away."""
    return _ONE_BEHIND.match(text, end) is not None


def precedes_numbers(text: str, end: int) -> bool:
    """Whether two numbers or more stand behind the place, a space between them."""
    return _TWO_BEHIND.match(text, end) is not None
