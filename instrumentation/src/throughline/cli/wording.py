"""Durations, costs, times and foreign text as a terminal shows them; lays nothing out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from throughline import names

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Text from elsewhere without what could move the cursor, recolour the terminal or reverse the reading order."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n").expandtabs(4))


def duration(seconds: float | None) -> str:
    """Three digits and a unit."""
    if seconds is None:
        return "-"
    if seconds >= 60:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds / size < 100 else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def cost(amount: float | None, currency: str = "") -> str:
    """Enough digits to see the price of one call."""
    return "-" if amount is None else f"{amount:.4f} {currency}".strip()


def tokens(attributes: Mapping[str, Any]) -> str:
    """`432→86`, or nothing where the provider reported no usage."""
    used = attributes.get(names.USAGE_INPUT_TOKENS), attributes.get(names.USAGE_OUTPUT_TOKENS)
    return "" if used == (None, None) else "→".join("?" if count is None else f"{int(count):,}" for count in used)


def prompt(attributes: Mapping[str, Any]) -> str:
    """`help-desk 1.0 concise`."""
    parts = (attributes.get(name) for name in (names.PROMPT_NAME, names.PROMPT_VERSION, names.PROMPT_VARIANT))
    return printable(" ".join(str(part) for part in parts if part))


def local_time(epoch: float) -> str:
    """A moment in the reader's zone, to the second."""
    return datetime.fromtimestamp(epoch, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
