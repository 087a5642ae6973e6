"""Finds payment cards, IBANs and Japanese My Numbers by form, issuer and check digit; not accounts without one.

About one in ten random numbers has a right check digit. So a card must also begin like an issuer's (which rules out
time stamps) and be grouped like a card; yet an order number of 16 digits that begins with 4 is masked once in ten, and
one of 12 digits nearly as often. Missed are a card in other groups than 4-4-4-4(-3), 4-6-5 or 4-6-4, and an IBAN in
small letters with spaces.
"""

import re
import string
from functools import lru_cache
from typing import Any

from throughline.privacy.findings import IBAN, MY_NUMBER, PAYMENT_CARD, Finding, Findings
from throughline.privacy.rows import follows_number, precedes_number

# Not inside a word, a decimal fraction or a UUID; "[" and "]" are the edges of a neighbour that is masked already.
_BEFORE = r"(?<!\w)(?<![\d\]]\.)(?<![\w\]]-)"
_AFTER = r"(?!\w)(?!\.[\d\[])(?!-[\w\[])"
_CARD = re.compile(
    rf"{_BEFORE}(?:\d{{13,19}}"
    r"|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:(?<=\d{4})\1\d{3})?"
    rf"|\d{{4}}([ -])\d{{6}}\2\d{{4,5}}){_AFTER}",
    re.ASCII,
)
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"  # Discover
    r"|(?:62|81)\d{14,17}"  # UnionPay
    r"|220[0-4]\d{12,15}"  # Mir
    r"|(?:5[0678]|6[0-9])\d{11,17}"  # Maestro, RuPay, Elo
)
_MY_NUMBER = re.compile(rf"{_BEFORE}(?:\d{{12}}|\d{{4}}([ -])\d{{4}}\1\d{{4}}){_AFTER}", re.ASCII)
_MINUTE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")  # 202611231049
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(?:[A-Za-z]{2}\d\d(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?|[A-Za-z]{2}\d\d[A-Za-z0-9]{11,30})"
    r"(?![A-Za-z0-9])",
    re.ASCII,
)
_SEPARATORS = str.maketrans("", "", " -")
_LETTER_VALUES = {ord(letter): str(int(letter, 36)) for letter in string.ascii_uppercase}
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
_MY_NUMBER_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def find_payment_cards(text: str, start: int, end: int) -> Findings:
    """Payment cards in one numeric run."""
    for found in _CARD.finditer(text, start, min(len(text), end + 2)):
        digits = found[0].translate(_SEPARATORS)
        if is_payment_card(digits) and not (" " in found[0] and follows_number(text, found.start())):
            yield Finding(*found.span(), PAYMENT_CARD, digits)


def find_my_numbers(text: str, start: int, end: int) -> Findings:
    """My Numbers in one numeric run; twelve digits that read as a date and time are taken for one."""
    for found in _MY_NUMBER.finditer(text, start, min(len(text), end + 2)):
        digits = found[0].translate(_SEPARATORS)
        if is_my_number(digits) and not (" " in found[0] and _in_row(text, *found.span())):
            yield Finding(*found.span(), MY_NUMBER, digits)


def find_ibans(text: str, start: int, end: int) -> Findings:
    """IBANs in one run: in groups of four, or without spaces."""
    position, end = max(0, start - 2), min(len(text), end + 1)  # de89 3704: the run is of capitals
    while found := _IBAN.search(text, position, end):
        written = _longest_iban(found[0])
        if written:
            yield Finding(found.start(), found.start() + len(written), IBAN, _compact(written))
        position = found.start() + (len(written) or 4)


def _longest_iban(written: str) -> str:
    """The groups at the beginning that are an IBAN: what stands behind them may be a word or number of its own."""
    while written and not _is_iban(_compact(written)):
        written = written.rpartition(" ")[0]
    return written


def _compact(written: str) -> str:
    return written.replace(" ", "").upper()


def _in_row(text: str, start: int, end: int) -> bool:
    return follows_number(text, start) or precedes_number(text, end)


def is_payment_card(digits: str) -> bool:
    """An issuer's prefix and length, and the Luhn check digit.

    Computed here because python-stdnum's Luhn takes ten times as long, a second for a megabyte of card numbers.
    """
    if _ISSUERS.fullmatch(digits) is None:
        return False
    return (sum(map(int, digits[-1::-2])) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0


def is_my_number(digits: str) -> bool:
    """Twelve digits of which the last is the check digit of ministerial ordinance 85 of 2014, article 5."""
    if len(digits) != 12 or _MINUTE.fullmatch(digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_MY_NUMBER_WEIGHTS, digits, strict=False))
    return -total % 11 % 10 == int(digits[-1])


def _is_iban(compact: str) -> bool:
    # Mod 97 first, here: python-stdnum looks up the country's structure before it, which takes far longer.
    if int((compact[4:] + compact[:4]).translate(_LETTER_VALUES)) % 97 != 1:
        return False
    return bool(load_iban_registry().is_valid(compact, check_country=False))


@lru_cache(maxsize=1)
def load_iban_registry() -> Any:
    """python-stdnum's IBAN module, loaded with the first masker: neither at import of the library nor in a request."""
    from stdnum import iban

    return iban
