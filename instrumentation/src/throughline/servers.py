"""What may be told of URLs: host and port, or all of one but the name and password in it."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

_LOGIN = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)
_LOGINS = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#\s]*@|[^/?#\s:@'\"]+:[^/?#\s@'\"]+@", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@lru_cache(maxsize=100)
def server(url: str) -> tuple[str | None, int | None]:
    """Host and port, if it names a host. Kept, because taking a URL apart costs as much as reading a reply."""
    found = urlsplit(url)
    if not found.hostname:
        return None, None
    return found.hostname, found.port or default_port(found.scheme)


def default_port(scheme: str) -> int | None:
    """The port of a URL that names none."""
    return _PORTS.get(scheme)


def without_login(url: str) -> str:
    """The URL without the name and password that it may begin with."""
    return _LOGIN.sub(r"\1", url)


def without_logins(text: str) -> str:
    """The text without the names and passwords in its URLs, also where one lacks its scheme."""
    return _LOGINS.sub(lambda found: found[1] or "", text)
