"""The Masker as a whole: structures, pseudonyms, counts, settings; which values it finds is tested beside this."""

import copy
import json
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.privacy.samples import VALUES
from throughline.privacy import Masker, MaskingConfigurationError

MASKER = Masker()
KEYED = Masker(key=b"0123456789abcdef")
SAMPLES = [value for values in VALUES.values() for value in values]
CANARY = "taro.canary@example.com"

# Values, numbers and any other text, apart: no "-", "." or ":" between them, which may belong to a value.
separators = st.sampled_from([" ", ", ", "\n", "\\n", "/", "(", ")", '"', "; ", " - ", "[", "]", "="])
pieces = st.one_of(st.sampled_from(SAMPLES), st.text(max_size=6), st.integers(0, 9999).map(str))
texts = st.lists(st.tuples(pieces, separators).map("".join), max_size=6).map("".join)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(texts)
def test_masking_twice_is_masking_once(text: str) -> None:
    for masker in (MASKER, KEYED):
        once = masker.text(text)
        assert masker.text(once) == once


def test_a_pseudonym_whose_digits_look_like_a_number_stays() -> None:
    assert MASKER.text("[email:0901234567] [payment_card:4111111111]") == "[email:0901234567] [payment_card:4111111111]"
    assert MASKER.text("[0901234567]") == "[[phone]]"


@given(json_values)
def test_the_callers_structure_is_not_changed_and_its_shape_is_kept(value: object) -> None:
    before = copy.deepcopy(value)
    masked = MASKER.value(value)
    assert value == before
    assert json.loads(json.dumps(masked)) == masked
    if isinstance(value, dict):
        assert masked is not value
        assert len(masked) == len(value)


@given(json_values, st.booleans())
def test_json_inside_a_string_stays_json(value: object, escaped: bool) -> None:
    document = json.dumps({"arguments": value, "canary": f"\n{CANARY}", "card": 4111111111111111}, ensure_ascii=escaped)
    masked = json.loads(MASKER.text(document))
    assert masked["canary"] == "\n[email]"
    assert masked["card"] == "[payment_card]"
    assert masked["arguments"] == json.loads(json.dumps(MASKER.value(value)))


def test_json_without_anything_to_mask_is_the_same_object() -> None:
    document = '{"b" : 1,\n"a": "x\\ty", "a": 1e400}'
    assert MASKER.text(document) is document


def test_masked_json_keeps_its_spacing() -> None:
    assert MASKER.text('{"to":"a@example.com","n":1}') == '{"to":"[email]","n":1}'
    assert MASKER.text('{"to": "a@example.com", "n": 1}') == '{"to": "[email]", "n": 1}'
    assert MASKER.text('{"to": "a@example.com \u96fb\u8a71"}') == '{"to": "[email] \u96fb\u8a71"}'


def test_numbers_keys_and_nested_values_are_masked() -> None:
    counts = Counter[str]()
    value = {
        "card": 4111111111111111,
        "as_float": 4111111111111111.0,
        "my_number": 621498320257,
        "at": 1732358819000,
        CANARY: [{"ip": ("10.20.30.40", b"10.20.30.40", None, True)}],
        "other@example.com": 1,
        4111111111111111: "key",
    }
    assert MASKER.value(value, counts) == {
        "card": "[payment_card]",
        "as_float": "[payment_card]",
        "my_number": "[my_number]",
        "at": 1732358819000,
        "[email]": [{"ip": ["[ip_address]", "[ip_address]", None, True]}],
        "[email] (2)": 1,
        "[payment_card]": "key",
    }
    assert counts == {"payment_card": 3, "my_number": 1, "email": 2, "ip_address": 2}


def test_a_key_tells_what_its_value_is() -> None:
    value = {
        "phone": "2125550123",
        "mobile_number": 2125550123,
        "api_key": "wJalrXUtnFEMIK7MDENG1",
        "tokens": 2125550123,
        "q": "2125550123",
    }
    counts = Counter[str]()
    assert MASKER.value(value, counts) == {
        **value,
        "phone": "[phone]",
        "mobile_number": "[phone]",
        "api_key": "[api_key]",
    }
    assert counts == {"phone": 2, "api_key": 1}
    assert json.loads(MASKER.text(json.dumps(value))) == MASKER.value(value)


def test_a_structure_that_contains_itself_ends() -> None:
    loop: list[object] = [CANARY]
    loop.append(loop)
    assert CANARY not in str(MASKER.value(loop))
    assert "[too_deep]" in str(MASKER.value(loop))
    assert MASKER.text("[" * 100_000) == "[" * 100_000


@pytest.mark.parametrize("levels", [50, 150, 500, 5_000])
def test_nothing_leaves_unseen_because_it_is_deep(levels: int) -> None:
    counts = Counter[str]()
    document = '{"a":' * levels + f'"{CANARY}"' + "}" * levels
    assert CANARY not in MASKER.text(document, counts)
    assert counts.total() == 1


def test_overlapping_findings_leave_nothing_unmasked() -> None:
    assert MASKER.text("api_key=ghp_0123456789abcdefghijklmnopqrstuvwxyz@example.com/") == "api_key=[api_key][email]/"


def test_pseudonyms_follow_the_value_not_its_notation() -> None:
    same = [
        ("4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("Taro@Example.com", "taro@example.com"),
        ("DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("+81 90-1234-5678", "+819012345678", "090-1234-5678", "0081 90 1234 5678"),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("6214 9832 0257", "621498320257"),
    ]
    tokens = [{KEYED.text(f"see {written} now") for written in notations} for notations in same]
    assert [len(token) for token in tokens] == [1] * len(same)
    assert len(set.union(*tokens)) == len(same)
    assert KEYED.text("taro@example.com") == "[email:3723d410c0]"
    assert Masker(key=b"another key of 16").text("taro@example.com") != KEYED.text("taro@example.com")
    assert KEYED.value({"card": 4111111111111111}) == {"card": KEYED.text("4111111111111111")}


def test_the_key_is_not_shown() -> None:
    assert "0123456789abcdef" not in repr(KEYED)


@given(st.lists(st.sampled_from(SAMPLES), max_size=6))
def test_counts_are_the_placeholders_of_each_kind(values: list[str]) -> None:
    counts = Counter[str]()
    masked = MASKER.text(" and ".join(values), counts)
    assert {kind: masked.count(f"[{kind}]") for kind in counts} == dict(counts)
    assert counts.total() == len(values)


def test_what_is_remembered_of_a_clean_text_is_no_content() -> None:
    masker = Masker()
    clean, personal = "nothing personal here. " * 40, f"{CANARY} " * 40
    assert masker.text(clean) is clean
    assert masker.text(clean) is clean
    assert CANARY not in masker.text(personal)
    assert CANARY not in masker.text(personal)
    assert list(masker._clean.items()) == [(hash(clean), len(clean))]


def test_memory_of_clean_texts_is_bounded() -> None:
    masker = Masker()
    for number in range(9_000):
        masker.text(f"{number:>300}")
    assert len(masker._clean) <= 8_192


def test_threads_may_share_a_masker() -> None:
    wrong: list[str] = []

    def mask() -> None:
        for number in range(200):
            masked = MASKER.text(f"{number} {CANARY} {'words ' * 60}")
            if masked != f"{number} [email] {'words ' * 60}":
                wrong.append(masked)

    threads = [threading.Thread(target=mask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_without_variables_every_kind_becomes_a_placeholder() -> None:
    masker = Masker.from_environment({})
    assert masker.text(f"{CANARY} 10.20.30.40") == "[email] [ip_address]"


def test_variables_choose_kinds_regions_rules_and_key(tmp_path: Path) -> None:
    key, rules = tmp_path / "key", tmp_path / "rules.toml"
    key.write_text("0123456789abcdef\n")
    rules.write_text("[[rule]]\nname = 'staff'\nkind = 'employee_id'\npattern = 'EMP-[0-9]{6}'\ncontains = 'EMP-'\n")
    masker = Masker.from_environment(
        {
            "THROUGHLINE_MASK_MODE": "Pseudonym",
            "THROUGHLINE_MASK_KEY_FILE": str(key),
            "THROUGHLINE_MASK_DISABLE": "ip_address, iban",
            "THROUGHLINE_MASK_PHONE_REGIONS": "se",
            "THROUGHLINE_MASK_RULES": str(rules),
        }
    )
    assert masker.text("taro@example.com 10.20.30.40") == "[email:3723d410c0] 10.20.30.40"
    assert masker.text("020 7946 0958") == "020 7946 0958"
    assert masker.text("EMP-123456 and EMP-12")[:13] == "[employee_id:"
    assert masker.text("EMP-123456 and EMP-12").endswith(" and EMP-12")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"THROUGHLINE_MASK_MODE": "hash"}, "placeholder or pseudonym"),
        ({"THROUGHLINE_MASK_MODE": "pseudonym"}, "THROUGHLINE_MASK_KEY_FILE"),
        ({"THROUGHLINE_MASK_MODE": "pseudonym", "THROUGHLINE_MASK_KEY": "short"}, "16"),
        ({"THROUGHLINE_MASK_MODE": "pseudonym", "THROUGHLINE_MASK_KEY_FILE": "/no/such/key"}, "/no/such/key"),
        ({"THROUGHLINE_MASK_DISABLE": "emails"}, "no kind emails"),
        ({"THROUGHLINE_MASK_PHONE_REGIONS": "JP,XX"}, "XX"),
        ({"THROUGHLINE_MASK_RULES": "/no/such/rules"}, "/no/such/rules"),
    ],
)
def test_a_bad_setting_says_what_to_write(environment: dict[str, str], says: str) -> None:
    with pytest.raises(MaskingConfigurationError, match=says):
        Masker.from_environment(environment)
