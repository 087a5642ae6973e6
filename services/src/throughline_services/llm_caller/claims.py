"""The claims desk's tool and the few claims that the demonstration knows; stands in for a system of record."""

import asyncio
from typing import Any

TAKES = 0.05  # seconds, as a look-up in another system does
NAME = "claim_status"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": "The state of a claim by its number.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "string", "pattern": r"\b\d{4}\b"}},
            "required": ["number"],
        },
    },
}
CLAIMS = {
    "4711": "was received on 16 November and is being checked since 20 November.",
    "4712": "was paid on 19 November.",
    "4713": "waits for the itemised invoice, for which we wrote on 18 November.",
    "4714": "was refused on 12 November; the letter says how to object.",
    "4715": "was received on 25 November.",
}
UNREADABLE = frozenset({"4716", "4717"})


class ClaimUnreadableError(Exception):
    """The system of record cannot read this claim."""


async def status(number: str) -> str:
    """A sentence on the claim. Raises ClaimUnreadableError for some numbers, always the same."""
    await asyncio.sleep(TAKES)
    if number in UNREADABLE:
        raise ClaimUnreadableError("the claim cannot be read")
    return f"Claim {number} {CLAIMS[number]}" if number in CLAIMS else f"There is no claim {number}."
