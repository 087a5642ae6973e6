"""What a detector reports, and the names of the built-in kinds; no detection happens here."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

EMAIL = "email"
PHONE = "phone"
PAYMENT_CARD = "payment_card"
IBAN = "iban"
IP_ADDRESS = "ip_address"
API_KEY = "api_key"
JWT = "jwt"
PRIVATE_KEY = "private_key"
MY_NUMBER = "my_number"
PASSWORD = "password"  # noqa: S105 - a kind's name

BUILT_IN_KINDS = (PRIVATE_KEY, JWT, API_KEY, PASSWORD, IBAN, PAYMENT_CARD, MY_NUMBER, IP_ADDRESS, EMAIL, PHONE)
"""All built-in kinds; where two detectors claim the same place, the kind named first here wins."""


class Finding(NamedTuple):
    """A place in a text that must not leave the process."""

    start: int
    end: int
    kind: str
    normal: str
    """The value freed of its notation, so that a pseudonym is the same however the value was written."""


Findings = Iterator[Finding]
Normalise = Callable[[str], str]
