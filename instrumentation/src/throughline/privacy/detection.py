"""Runs the detectors over one text and settles which finding holds where they overlap; replaces nothing."""

import re
import string
from collections.abc import Iterable

from throughline.privacy.account_numbers import find_ibans, find_my_numbers, find_payment_cards
from throughline.privacy.addresses import find_emails, find_ipv4, find_ipv6
from throughline.privacy.credentials import find_credentials, find_private_keys, may_hold_credential
from throughline.privacy.findings import BUILT_IN_KINDS, Finding, Findings
from throughline.privacy.phone_plans import NationalPlans
from throughline.privacy.phones import find_phones
from throughline.privacy.rules import Rule
from throughline.privacy.shadow import Shadow
from throughline.privacy.urls import find_url_passwords

_NOT_DIGITS = bytes(set(range(256)) - set(string.digits.encode()))
_RANKS = {kind: rank for rank, kind in enumerate(BUILT_IN_KINDS)}
_PSEUDONYM = re.compile(r"\[[a-z][a-z0-9_]{0,31}:[0-9a-f]{10}\]")
_LONGEST_PSEUDONYM = 45


def detect(text: str, plans: NationalPlans, disabled: frozenset[str], rules: tuple[Rule, ...]) -> list[Finding]:
    """All findings in order, none overlapping another."""
    shadow = Shadow(text)
    found = [finding for finding in _built_in(text, shadow, plans) if finding.kind not in disabled]
    found += [finding for finding in _by_rules(text, rules) if finding.kind not in disabled]
    return list(_settled(text, found)) if found else found


def _built_in(text: str, shadow: Shadow, plans: NationalPlans) -> Findings:
    plain = shadow.plain
    passwords = list(find_url_passwords(plain)) if "://" in plain else []
    yield from passwords
    if "@" in plain:
        logins = {finding.end for finding in passwords}  # user:password@host is no e-mail address
        yield from (email for email in find_emails(plain) if plain.index("@", email.start) not in logins)
    if ":" in plain:
        yield from find_ipv6(plain)
    for start, end in shadow.numeric_runs():
        yield from _numeric(shadow, start, end, plans)
    opaque = False
    for start, end in shadow.opaque_runs():
        opaque = True
        if may_hold_credential(plain, start, end):
            yield from find_credentials(plain, start, end)
            yield from find_ibans(plain, start, end)
    if opaque and "-----BEGIN" in text:  # the lines of a private key are opaque runs
        yield from find_private_keys(text)


def _numeric(shadow: Shadow, start: int, end: int, plans: NationalPlans) -> Findings:
    run, text = shadow.ascii[start:end], shadow.plain
    digits = len(run.translate(None, _NOT_DIGITS))
    if digits < 4:
        return
    if run.count(b".") >= 3:
        yield from find_ipv4(text, start, end)
    if digits >= 7:
        yield from find_phones(text, start, end, plans)
    if digits >= 12:
        yield from find_payment_cards(text, start, end)
        yield from find_my_numbers(text, start, end)
        yield from find_ibans(text, start, end)


def _by_rules(text: str, rules: Iterable[Rule]) -> Findings:
    for rule in rules:
        if rule.contains in text:
            for found in rule.pattern.finditer(text):
                if found[0]:
                    yield Finding(*found.span(), rule.kind, found[0])


def _settled(text: str, found: list[Finding]) -> Findings:
    """Where findings overlap, the first and then the higher-ranking holds; what another has beyond it is masked too."""
    found.sort(key=lambda finding: (finding.start, _RANKS.get(finding.kind, len(_RANKS)), -finding.end))
    masked_to = 0
    for finding in found:
        start = max(finding.start, masked_to)
        if finding.end <= start or _in_pseudonym(text, finding):
            continue
        masked_to = finding.end
        yield finding if start == finding.start else finding._replace(start=start)


def _in_pseudonym(text: str, finding: Finding) -> bool:
    """Whether this is part of a pseudonym already, whose ten hexadecimal digits may happen to look like a number."""
    opening = text.rfind("[", max(0, finding.start - _LONGEST_PSEUDONYM), finding.start)
    pseudonym = _PSEUDONYM.match(text, opening) if opening >= 0 else None
    return pseudonym is not None and finding.end <= pseudonym.end()
