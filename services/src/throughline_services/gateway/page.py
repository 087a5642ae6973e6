"""The one page as a file, and the headers that confine it; knows no route."""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

# Whatever an answer may contain: the browser runs and styles only what the file holds, and fetches from here only.
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """As it is served."""

    text: str
    headers: dict[str, str]


def load_page() -> Page:
    text = (files("throughline_services.gateway") / "page.html").read_text(encoding="utf-8")
    policy = POLICY.format(script=_digest(text, "script"), style=_digest(text, "style"))
    headers = {"content-security-policy": policy, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    return Page(text, headers)


def _digest(page: str, tag: str) -> str:
    """The policy's name for the one inline element of this tag."""
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
