"""What is masked and what is not, kind by kind; how masking treats structures is tested beside this."""

import ipaddress
import json
import random
import re
import uuid

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.privacy.samples import API_KEYS, HARMLESS, PRIVATE_KEY, VALUES
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn
from stdnum.jp import in_
from throughline.privacy import Masker
from throughline.privacy.account_numbers import is_my_number, is_payment_card

MASKER = Masker()
SAMPLES = [(kind, value) for kind, values in VALUES.items() for value in values]
SURROUNDINGS = (
    "{}",
    "see {}, please",
    "({})",
    '"{}"',
    "{}.",
    "\u756a\u53f7\u306f{}\u3067\u3059",
    "a\n{}\nb",
    "<b>{}</b>",
)


@pytest.mark.parametrize(("kind", "value"), SAMPLES)
@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_a_value_is_masked_whole_wherever_it_stands(kind: str, value: str, surroundings: str) -> None:
    assert MASKER.text(surroundings.format(value)) == surroundings.format(f"[{kind}]")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_value_stays(text: str) -> None:
    assert MASKER.text(text) == text


@pytest.mark.parametrize("value", API_KEYS.values(), ids=API_KEYS.keys())
def test_a_key_is_masked_in_assignments_headers_and_addresses(value: str) -> None:
    assert MASKER.text(f"OPENAI_API_KEY={value}") == "OPENAI_API_KEY=[api_key]"
    assert value not in MASKER.text(f"Authorization: Bearer {value}")
    assert value not in MASKER.text(f"https://example.com/?key={value}&page=2")


@pytest.mark.parametrize(
    "text",
    [
        "aws_secret_access_key = {}",
        "AccountKey={}",
        '"api_key": "{}"',
        "MISTRAL_API_KEY='{}'",
        "api-key: {}",
        "client_secret={}",
        "Ocp-Apim-Subscription-Key: {}",
        "authorization: bearer {}",
        "Authorization: Basic {}",
    ],
)
def test_random_characters_are_masked_behind_the_name_of_a_secret_only(text: str) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY0123456789"
    assert MASKER.text(text.format(secret)) == text.format("[api_key]")
    assert MASKER.text(f"the checksum {secret}") == f"the checksum {secret}"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgres://app:Zw-77!x@db.internal:5432/x", "postgres://[password]@db.internal:5432/x"),
        ("redis://:pass@localhost", "redis://[password]@localhost"),
        ("amqp://app:p@ss@10.2.3.4/", "amqp://[password]@[ip_address]/"),
        ("https://h.example/?password=ab&size=2", "https://h.example/?password=[password]&size=2"),
        ("https://h.example/?size=2&X-Amz-Signature=0f1e", "https://h.example/?size=2&X-Amz-Signature=[password]"),
        ("https://h.example/?next=http://a:b@c/", "https://h.example/?next=http://[password]@c/"),
        ("<https://a:b@c>, <https://d:e@f>", "<https://[password]@c>, <https://[password]@f>"),
    ],
)
def test_a_url_keeps_its_place_and_loses_its_password(url: str, masked: str) -> None:
    assert MASKER.text(url) == masked
    assert MASKER.text(masked) == masked
    keyed = Masker(key=b"k" * 16).text(url)
    assert Masker(key=b"k" * 16).text(keyed) == keyed


@pytest.mark.parametrize(
    "name", ["tel: {}", "Phone number: {}", "mobile {}", "\u96fb\u8a71\u756a\u53f7\uff1a{}", "fax={}", '"phone": "{}"']
)
def test_behind_the_word_for_a_phone_any_number_is_one(name: str) -> None:
    for number in ("2125550123", "612 345 678", "555-0123"):
        assert "[phone]" in MASKER.text(name.format(number)), number
    assert MASKER.text("a telephone bill of 12 pages") == "a telephone bill of 12 pages"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_countrys_numbers_are_known_in_international_form(region: str) -> None:
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(region, kind)
        for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL) if number else ():
            written = phonenumbers.format_number(number, form)
            assert MASKER.text(f"Call {written} now.") == "Call [phone] now.", written


@pytest.mark.parametrize("region", ["JP", "GB", "DE", "FR", "NL", "CH", "AT", "BE", "AU", "NZ", "KR", "IN"])
def test_national_numbers_with_a_trunk_zero_are_known(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    assert MASKER.text(f"Call {written} now.") == "Call [phone] now."


def test_a_phone_ends_where_the_next_thing_begins() -> None:
    assert MASKER.text("+81 90-1234-5678 12 people") == "[phone] 12 people"
    assert MASKER.text("090-1234-5678 2026-11-23") == "[phone] 2026-11-23"


def test_a_private_key_is_masked_in_json_and_when_cut_off() -> None:
    document = json.dumps({"pem": PRIVATE_KEY, "after": "text"})
    assert json.loads(MASKER.text(document)) == {"pem": "[private_key]", "after": "text"}
    assert MASKER.text(f"key: {document}, and more") == 'key: {"pem": "[private_key]", "after": "text"}, and more'
    assert MASKER.text("see " + PRIVATE_KEY[:80]) == "see [private_key]"


def test_an_escape_does_not_hide_where_a_value_begins() -> None:
    text = r"log: \ntaro@example.com\t4111111111111111 \u8a7109012345678"
    assert MASKER.text(text) == r"log: \n[email]\t[payment_card] \u8a71[phone]"


@given(st.integers(min_value=0, max_value=10**19))
def test_check_digits_agree_with_stdnum(number: int) -> None:
    card = f"4{number:015d}"[:16]
    assert is_payment_card(card) == luhn.is_valid(card)
    person = f"9{number:011d}"[:12]  # no date begins with 9
    assert is_my_number(person) == in_.is_valid(person)


@given(st.ip_addresses(v=4))
def test_ipv4_addresses_are_masked_unless_they_name_nobody(address: ipaddress.IPv4Address) -> None:
    if re.fullmatch(r"\d(\.\d){3}", str(address)):
        return
    nobody = address.is_loopback or address.is_unspecified or str(address) == "255.255.255.255"
    assert MASKER.text(f"from {address} at") == (f"from {address} at" if nobody else "from [ip_address] at")


@given(st.ip_addresses(v=6, network="2000::/3"))
def test_ipv6_addresses_are_masked(address: ipaddress.IPv6Address) -> None:
    assert MASKER.text(f"from {address} at") == "from [ip_address] at"
    assert MASKER.text(f"[{address.exploded}]:443") == "[[ip_address]]:443"


@given(st.integers(min_value=0, max_value=2**128 - 1), st.floats(allow_nan=False), st.datetimes())
def test_identifiers_numbers_and_times_stay(bits: int, number: float, moment: object) -> None:
    for ordinary in (uuid.UUID(int=bits, version=4), number, moment):
        assert MASKER.text(f"see {ordinary}, please") == f"see {ordinary}, please"


def test_at_most_one_random_number_in_eight_is_taken_for_a_personal_one() -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable sample, nothing secret
    for digits, most in ((7, 0), (9, 0), (10, 0), (11, 0), (12, 0.13), (13, 0.05), (16, 0.07), (19, 0.07)):
        numbers = [str(chance.randint(10 ** (digits - 1), 10**digits - 1)) for _ in range(1000)]
        masked = sum(MASKER.text(f"order {number}") != f"order {number}" for number in numbers)
        assert masked / 1000 <= most, digits
