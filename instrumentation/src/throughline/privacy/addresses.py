"""Finds e-mail and IP addresses; not host names, MAC addresses, nor an e-mail address spelled out ("taro at example").

Not masked: loopback and unspecified addresses, which name nobody; `git@`, which is every user of a host; an IPv4 form
behind the word "version" or a version operator. A slice or a scope operator such as `1::2` or `std::dec` is no IPv6
address here, nor is one that begins with fewer than four digits and has fewer than four groups.
"""

import ipaddress
import re

from throughline.privacy.findings import EMAIL, IP_ADDRESS, Finding, Findings

_LETTERS = "A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u052f"  # scripts that put spaces between words
_DOMAIN = re.compile(
    rf"@(?:[{_LETTERS}](?:[{_LETTERS}-]{{0,61}}[{_LETTERS}])?\.){{1,8}}(?:[A-Za-z]{{2,24}}|xn--[A-Za-z0-9-]{{2,59}})"
    r"(?![A-Za-z0-9])"
)
_LOCAL_BACKWARDS = re.compile(rf"[{_LETTERS}._%+'&~-]{{1,64}}")
_LONGEST_LOCAL = 64
_SHARED_LOCAL_PARTS = frozenset({"git"})

_IPV4 = re.compile(
    r"(?<![\w.])(?<![A-Za-z_]-)(?:\d{1,3}\.){3}\d{1,3}(?!\w)(?!\.\d)(?!-[A-Za-z\[])(?!\.(?:tar|zip|whl|jar|gz|dll|exe|so|deb|rpm)\b)",
    re.ASCII,
)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:version|ver|v|release|build|firmware|driver|chapter|section|rfc|oid)[.:]?[ \"=]{0,3}"
    r"|[=<>~!]=[ ]?|\u00a7 ?)$",
    re.IGNORECASE,
)
_COLON = re.compile(r":(?=:|[0-9A-Fa-f]{1,4}:)")
_GLUED = re.compile(r"\w", re.ASCII)
_DIGIT = re.compile("[0-9]")  # without one it is face::bad, a name in C++
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_HEXTETS = re.compile(r"[0-9A-Fa-f:.]*+")
_LONGEST_IPV6 = 45


def find_emails(text: str) -> Findings:
    """E-mail addresses, each from its "@": the domain forwards, then the local part backwards."""
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        local = _LOCAL_BACKWARDS.match(text[max(0, at - _LONGEST_LOCAL) : at][::-1])
        if local is None:
            continue
        name = local[0][::-1].lstrip("._%+'&~-")
        if name and name not in _SHARED_LOCAL_PARTS:
            yield Finding(at - len(name), domain.end(), EMAIL, f"{name}{domain[0]}".lower())


def find_ipv4(text: str, start: int, end: int) -> Findings:
    """IPv4 addresses in one numeric run."""
    for found in _IPV4.finditer(text, start, min(len(text), end + 8)):
        if not _is_ipv4(found[0]) or _VERSION_BEFORE.search(text, max(0, found.start() - 16), found.start()):
            continue
        yield Finding(*found.span(), IP_ADDRESS, found[0])


def find_ipv6(text: str) -> Findings:
    """IPv6 addresses, each from a colon that has another colon, or hexadecimal digits and a colon, behind it."""
    colon = _COLON.search(text)
    while colon:
        start = colon.start()
        while start > 0 and colon.start() - start < 5 and text[start - 1] in _HEXADECIMAL:
            start -= 1
        match = _HEXTETS.match(text, colon.start())
        end = match.end() if match else colon.end()
        yield from _ipv6(text, start, end)
        colon = _COLON.search(text, end)


def _ipv6(text: str, start: int, end: int) -> Findings:
    written = text[start:end].rstrip(".")
    if written.endswith(":") and not written.endswith("::"):
        if text[end : end + 1] == "[":  # the last group is part of a neighbour that is masked already
            return
        written = written[:-1]
    if len(written) > _LONGEST_IPV6 or not ("::" in written or written.count(":") == 7):
        return
    end = start + len(written)
    groups = [group for group in written.split(":") if group]
    if _GLUED.match(text[start - 1 : start]) or _GLUED.match(text, end) or _DIGIT.search(written) is None:
        return
    if not (len(groups) >= 4 or len(groups[0]) == 4 or written.startswith("::ffff:")):
        return
    address = _ipv6_address(written)
    if address is not None:
        yield Finding(start, end, IP_ADDRESS, address)


def _is_ipv4(written: str) -> bool:
    parts = written.split(".")
    numbers = [int(part) for part in parts if part == "0" or part[0] != "0"]
    return len(numbers) == 4 and max(numbers) <= 255 and numbers[0] != 127 and 0 < sum(numbers) < 4 * 255


def _ipv6_address(written: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else str(address)
