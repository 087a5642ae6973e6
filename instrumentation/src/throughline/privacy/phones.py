"""Finds phone numbers by form and by the numbering plans of `phonenumbers`; not one written in words.

Masked: international numbers of any country; national numbers that begin with a trunk zero and fit the plan of one of
the regions; North American and Chinese mobile numbers in their own groups; behind a word such as "tel" any number of
7 to 15 digits.
Not masked, because order numbers look the same: ten digits in one piece that begin otherwise, national numbers of a
country without trunk zero (Spain, Poland) and those of fewer than nine digits, where no such word stands before.

The library's own matcher parses every candidate, at 25 microseconds each; its plans are taken as data instead.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from throughline.privacy.findings import PHONE, Finding, Findings
from throughline.privacy.phone_plans import NationalPlans, fits_international
from throughline.privacy.rows import follows_number, precedes_numbers

# Not inside a word, a decimal fraction or an identifier; "[" and "]" are edges of a neighbour that is masked already.
_BEFORE = r"(?<![\w+])(?<![\d\]]\.)(?<![\w\]]-)"
_AFTER = r"(?!\w)(?![-.:][\d\[])"
_REST = r"[\d ().\-/]"
_INTERNATIONAL = re.compile(rf"(?:\+|(?<![\w+.,/-])00(?=[1-9]))(?= ?\(?\d{_REST}{{6}})", re.ASCII)
_TRUNK_ZERO = re.compile(rf"{_BEFORE}(?:\((?=0\d{{1,4}}\)))?0(?=[1-9]{_REST}{{7}})", re.ASCII)
_IN_OWN_GROUPS = re.compile(
    rf"{_BEFORE}"
    r"(?:(?:1[ .-])?(?:\([2-9]\d\d\) ?-?|[2-9]\d\d([ .-]))[2-9]\d\d(?(1)\1|[ .-])\d{4}"
    rf"|1[3-9]\d([ -])\d{{4}}\2\d{{4}}){_AFTER}",
    re.ASCII,
)
_NAMED = re.compile(
    r"(?:\b(?:tel|tele?phone|phone|mobile|cell|fax|whats?app|telefon|handy|t\u00e9l(?:\u00e9phone)?|tel\u00e9fono|m\u00f3vil)"
    r"|\u96fb\u8a71|\u643a\u5e2f|\u9023\u7d61\u5148|\u30d5\u30a1\u30c3\u30af\u30b9)"
    r"(?:[ _]?(?:number|no|nr|\u756a\u53f7))?[\"']?[.:=#\u306f]?(?: is)?[ \"']{0,3}(?=[(\d]\d)",
    re.IGNORECASE,
)
_FORMS = (_INTERNATIONAL, _TRUNK_ZERO, _IN_OWN_GROUPS)
_GUARDED = (_TRUNK_ZERO, _IN_OWN_GROUPS)
_LONGEST_NAME = 32
_LONGEST_WRITTEN = 32
_GROUP = re.compile(r"\d+")
_FIRST_BREAK = re.compile(r"[ .\-/()]{0,3}")  # 0171/1234567, +49 (0)171/1234567
_BREAK = re.compile(r"[ .-]{0,2}")
_END = re.compile(_AFTER, re.ASCII)
_OTHER_THINGS = re.compile(  # dates, and a ZIP code of New England
    r"\d{1,2}([-./ ])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([-./])\d{1,2}\2\d{1,2}|\d{5}-\d{4}"
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A number as written, up to the end of one of its groups of digits."""

    end: int
    digits: str
    groups: int


Fits = Callable[[_Written], str | None]


def find_phones(text: str, start: int, end: int, plans: NationalPlans) -> Findings:
    """Phone numbers in one numeric run."""
    last = 0
    for found in _candidates(text, start, min(len(text), end + 2)):
        if found.start() < last:
            continue
        phone = _read(text, found, plans)
        if phone is not None and not (found.re in _GUARDED and _in_row(text, phone)):
            last = phone.end
            yield phone


def _in_row(text: str, phone: Finding) -> bool:
    groups = text[phone.start : phone.end].split(" ")
    if len(groups) == 1 or not all(map(str.isdigit, groups)):
        return False
    return follows_number(text, phone.start) or precedes_numbers(text, phone.end)


def _candidates(text: str, start: int, end: int) -> list[re.Match[str]]:
    found = [
        match for form in (_INTERNATIONAL, _TRUNK_ZERO, _IN_OWN_GROUPS) for match in form.finditer(text, start, end)
    ]
    found += _NAMED.finditer(text, max(0, start - _LONGEST_NAME), end)
    return sorted(found, key=lambda match: match.start())


def _read(text: str, found: re.Match[str], plans: NationalPlans) -> Finding | None:
    form, start = found.re, found.start()
    if form is _IN_OWN_GROUPS:
        digits = "".join(_GROUP.findall(found[0]))
        return Finding(start, found.end(), PHONE, f"86{digits}" if found[2] else f"1{digits[-10:]}")
    if form is _INTERNATIONAL:
        return _longest(text, start, found.end(), _fits_international)
    if form is _TRUNK_ZERO:
        return _longest(text, start, start, _fits_national(plans))
    return _longest(text, found.end(), found.end(), _fits_any)


def _longest(text: str, start: int, digits_from: int, fits: Fits) -> Finding | None:
    """The longest beginning that fits and ends with a group of digits: behind it may stand a date or a count."""
    for written in reversed(_groups(text, digits_from)):
        if _END.match(text, written.end) is None or _OTHER_THINGS.fullmatch(text, digits_from, written.end):
            continue
        if normal := fits(written):
            return Finding(start, written.end, PHONE, normal)
    return None


def _groups(text: str, start: int) -> list[_Written]:
    written: list[_Written] = []
    digits, position = "", start
    for group in _GROUP.finditer(text, start, start + _LONGEST_WRITTEN):
        between = _FIRST_BREAK if len(written) <= 2 else _BREAK
        if between.fullmatch(text, position, group.start()) is None or len(digits) + len(group[0]) > 15:
            break
        position = group.end()
        if text[group.start() - 1 : position + 1] != "(0)":  # +44 (0)20: the trunk zero is not dialled
            digits += group[0]
        written.append(_Written(position, digits, len(written) + 1))
    return written


def _fits_international(written: _Written) -> str | None:
    return written.digits if fits_international(written.digits) else None


def _fits_any(written: _Written) -> str | None:
    return written.digits if 7 <= len(written.digits) <= 15 else None


def _fits_national(plans: NationalPlans) -> Fits:
    return lambda written: plans.fit(written.digits, in_groups=written.groups > 1)
