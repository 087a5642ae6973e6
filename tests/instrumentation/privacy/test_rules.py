"""Rules of the user's: which are accepted, which refused, and that an accepted one cannot stall."""

import re
import time
from pathlib import Path

import pytest
from throughline.privacy import Masker, MaskingConfigurationError
from throughline.privacy.rules import Rule, read_rules

RULE = "[[rule]]\nname = 'a rule'\nkind = 'secret_name'\npattern = '''{}'''\n"


def rules_of(tmp_path: Path, content: str) -> tuple[Rule, ...]:
    path = tmp_path / "rules.toml"
    path.write_text(content)
    return read_rules(path)


@pytest.mark.parametrize(
    "pattern",
    [
        r"EMP-\d{6}",
        r"\b[A-Z]{2,5}-\d{4,10}\b",
        r"(?:red|green|blue){1,3}",
        r"(?i)project\s{1,3}(?:falcon|eagle)",
        r"(?<=id=)[0-9a-f]{1,64}",
        r"([ab])-\1",
        r"(?:[0-9]{3}-){2}[0-9]{4}",
    ],
)
def test_bounded_patterns_are_accepted(tmp_path: Path, pattern: str) -> None:
    (rule,) = rules_of(tmp_path, RULE.format(pattern))
    assert rule.pattern.pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"\d+",
        r".*secret",
        r"(a|aa){1,40}b",
        r"(\w{1,9}\s?){1,9}x",
        r"a{0,3000}",
        r"(?:a?){20}b",
        r"a{0,60}a{0,60}b",
        r"(?=(a+))b",
    ],
)
def test_patterns_that_could_stall_are_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(MaskingConfigurationError, match=r"rule 1 \(a rule\).*could stall"):
        rules_of(tmp_path, RULE.format(pattern))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rule = [", "not TOML"),
        ("", r"\[\[rule\]\]"),
        ("[rule]\nname='x'", r"\[\[rule\]\]"),
        ("colour = 1\n" + RULE.format("x"), "nothing else"),
        ("[[rule]]\nname='x'\nkind='y'", "missing .'pattern'"),
        (RULE.format("x") + "colour='red'", "unknown .'colour'"),
        (RULE.format("x").replace("secret_name", "Secret"), "small letters"),
        (RULE.format("x").replace("secret_name", "email"), "none of"),
        (RULE.format("(x"), "not a regular expression"),
        (RULE.format("x{0,3}"), "empty"),
        ("[[rule]]\nname=1\nkind='a'\npattern='b'", "strings"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(MaskingConfigurationError, match=says):
        rules_of(tmp_path, content)


def test_rules_mask_beside_the_built_in_kinds_and_in_structures() -> None:
    masker = Masker(rules=(Rule("staff", "employee_id", re.compile(r"EMP-\d{6}"), contains="EMP-"),))
    assert masker.value({"EMP-123456": ["EMP-654321 a@example.com"]}) == {"[employee_id]": ["[employee_id] [email]"]}
    assert Masker(rules=masker.rules, disabled=frozenset({"employee_id"})).text("EMP-123456") == "EMP-123456"


def test_the_most_that_is_accepted_stays_linear(tmp_path: Path) -> None:
    """The worst accepted kind of pattern: nearly all allowed ways, all of them tried at each place, none matching."""
    (rule,) = rules_of(tmp_path, RULE.format(r"a{0,40}a{0,40}b"))

    def seconds(length: int) -> float:
        begun = time.thread_time()
        assert rule.pattern.search("a" * length) is None
        return time.thread_time() - begun

    seconds(500)
    assert seconds(8_000) < 3 * 8 * max(seconds(1_000), 1e-4)
