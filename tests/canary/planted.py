"""What is planted and must not be found, what no pattern knows and must be, and looking for either in bytes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

SECRETS: Final = {
    "email": "kanarie.vogel@leak.example.org",
    "iban": "DE63 5094 0007 7130 2298 41",
    "payment_card": "4929 7126 3948 0003",
    "phone": "+49 171 5558643",
    "api_key": "sk-proj-Kanarie7Xq2mZp9Lw4Rt8Vb3",
    "aws_key": "AKIAKANARIE234567ABC",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrYW5hcmllIn0.S4ahRvCJ3Tx9mQeW2uLk7PzY",
    "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvKanarieQ1Zx7s\n-----END PRIVATE KEY-----",
    "password": "postgres://kanarie:Zwitscher-77!x@db.internal:5432/patients",
    "password_in_query": "https://files.example.org/scan?password=Zwitscher-77!x&size=2",
}
"""Each as somebody would write it. Patterns know them all."""
TRACES_OF_SECRETS: Final = (
    "kanarie",
    "vogel@leak",
    "DE63509400077130229841",
    SECRETS["iban"],
    "4929712639480003",
    SECRETS["payment_card"],
    "1715558643",
    "171 5558643",
    "KANARIE234567",
    "eyJzdWIiOiJrYW5hcmllIn0",
    "Zwitscher-77",
)
"""What would be left of them even where only a part leaked, or where somebody took their spaces out."""
USER_ID: Final = "ausweis-4711@id.example.org"
"""An id, which is searched by and so stays as it is."""
LOGIN: Final = "kanarie:Zwitscher-77"
MASKED: Final = "Zinnoberkranich"
"""What no pattern knows, said to the application that only masks: it has to be found where content is meant to be."""
SEALED: Final = ("Quittenbaum", "Tulpenfieber")
"""A name and a diagnosis, which no pattern knows either, said to the application that seals."""
SERVICES: Final = "Marmorsittich"
"""The same, said to the services."""
OWN: Final = "Eigenfehler"
"""In exceptions that an application lets out of spans of its own: what it says there is its own."""
_WINDOW: Final = 60


def said(words: str) -> str:
    """A text as a person may write it, with all secrets in it."""
    lines = [f"and the {kind} is {value} ." for kind, value in SECRETS.items()]
    return "\n".join((f"This is about {words}.", *lines))


def arguments(words: str) -> str:
    """The same as a tool's arguments."""
    return json.dumps({"about": words, "nested": [SECRETS], "note": said(words)})


def found(places: Iterable[tuple[str, bytes]], words: Iterable[str]) -> Iterator[str]:
    """Where one of these stands: the place, the word and what is around it."""
    patterns = {word: re.compile(b"|".join(map(re.escape, _forms(word)))) for word in words}
    for place, content in places:
        lowered = content.lower()
        for word, pattern in patterns.items():
            if match := pattern.search(lowered):
                around = content[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
                yield f"{place}: {word}: {around!r}"


def _forms(word: str) -> set[bytes]:
    """The word as it may stand in a file: as it is, escaped, wide, or in base64 with anything before it."""
    plain = word.encode()
    forms = {
        plain.lower(),
        quote(word, safe="").encode().lower(),
        word.encode("utf-16-le").lower(),
        plain.hex().encode(),
    }
    for form in {plain, plain.lower(), plain.capitalize()}:
        for before in range(3):
            coded = base64.b64encode(b"\0" * before + form)
            forms.add(coded[(0, 2, 3)[before] : len(coded) - 4].lower())  # without what its neighbours decide
    return {form for form in forms if len(form) >= len(plain)}
