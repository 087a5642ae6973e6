"""No text, however made, costs more than linear work: eight times the text, at most 24 times the work."""

import time

import pytest
from throughline.privacy import Masker
from throughline.privacy.detection import detect
from throughline.privacy.phone_plans import NationalPlans

PLANS = NationalPlans()
HOSTILE = {
    "prose": "The quick brown fox, in 1993, jumped over the lazy dog. ",
    "digits": "4",
    "card digits": "4111111111111111",
    "spaced digits": "4111 1111 ",
    "short groups": "12 ",
    "dashed zeros": "0123-",
    "at signs": "@",
    "addresses without end": "a@a.",
    "dotted": "a.a.",
    "json web token beginnings": "eyJ",
    "json web tokens, dashed": "eyJ-",
    "json web tokens, dotted": "eyJaaaaaaaaaaa.",
    "key beginnings": "sk-",
    "key names": "api_key=a1",
    "key names, spaced": "api_key: a1 ",
    "base64": "QUJD/a+9",
    "colons": ":",
    "hexadecimal": "a:b:",
    "double colons": "a::",
    "dots": "1.1.",
    "addresses": "10.20.30.4 ",
    "iban groups": "DE89 3704 ",
    "private key beginnings": "-----BEGIN PRIVATE KEY-----aaaa",
    "dashes": "-",
    "backslashes": "\\",
    "escapes": "\\n",
    "brackets": "[",
    "pseudonym beginnings": "[email:09012345678 ",
    "plus signs": "+",
    "international": "+81 90-1234-5678, ",
    "phone names": "tel:1",
    "full width": "\uff10\uff11\uff20",
    "schemes": "://",
    "logins": "://a:",
    "logins without a host": "://a:b@",
    "queries": "://?token=",
    "query names": "?token?",
    "spaces": "    ",
    "indentation": "\n        X",
}


def work(text: str) -> float:
    begun = time.thread_time()
    detect(text, PLANS, frozenset(), ())
    return time.thread_time() - begun


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_eight_times_the_text_is_about_eight_times_the_work(piece: str) -> None:
    short, long = (piece * (length // len(piece) + 1) for length in (8_192, 65_536))
    work(short)
    least = min(work(short) for _ in range(5))
    assert min(work(long) for _ in range(3)) < 3 * 8 * max(least, 5e-5)


def test_a_document_in_a_string_is_not_read_again_at_each_level() -> None:
    def nested(levels: int) -> str:
        return '{"a":' * levels + '"x@example.com"' + "}" * levels

    masker = Masker()
    assert masker.text(nested(50)) == nested(50).replace("x@example.com", "[email]")
    assert "x@example.com" not in masker.text(nested(5_000))
