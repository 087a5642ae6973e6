"""Finds passwords in URLs: the login before the host, and what a query calls a password or token; no others.

A password that has a "/", "?" or "#" as such, which no URL may have, is not found; nor is one that has brackets.
"""

import re

from throughline.privacy.findings import PASSWORD, Finding, Findings

_SCHEME = "://"
_URL = re.compile(r"[^\s\"'<>]{0,4096}")
# To the last "@" before the path; "[" and "]" are the edges of what is masked already, or of an IPv6 address.
_LOGIN = re.compile(r"[^\s/?#:@\[\]]{0,128}:[^\s/?#\[\]]{1,256}(?=@)")
_IN_QUERY = re.compile(
    r"[?&;](?:[\w.-]{0,32}(?:password|passwd|passphrase|pwd|secret|token|signature|api[_-]?key)|sig|auth)="
    r"([^&;#\[\]]{1,2048})",
    re.ASCII | re.IGNORECASE,
)


def find_url_passwords(text: str) -> Findings:
    """Logins with a password, each up to its "@", and the values of telling names behind them."""
    at = text.find(_SCHEME)
    while at >= 0:
        start = at + len(_SCHEME)
        at = text.find(_SCHEME, start)
        end = _end(text, start, at)
        if login := _LOGIN.match(text, start, end):
            yield Finding(*login.span(), PASSWORD, login[0])
        for found in _IN_QUERY.finditer(text, login.end() if login else start, end):
            yield Finding(*found.span(1), PASSWORD, found[1])


def _end(text: str, start: int, following: int) -> int:
    """Where the URL ends: before the next one at the latest, which may be part of its query."""
    found = _URL.match(text, start, following if following >= 0 else len(text))
    return found.end() if found else start
