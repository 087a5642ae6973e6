"""The user's own masking rules, read from a TOML file and checked; it does not apply them.

    [[rule]]
    name = "employee id"          # shown in errors
    kind = "employee_id"          # the placeholder becomes [employee_id]
    pattern = 'EMP-\\d{6}'        # Python's `re`, every repetition bounded
    contains = "EMP-"             # optional: looked for first, which makes the rule nearly free where it is absent

TOML, because the standard library reads it. `re`, because a second engine would be one more binary to install in every
application; what makes `re` dangerous is refused instead: see `ways`.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # the only parser that agrees with `re` in every detail
from typing import Any

from throughline.privacy.findings import BUILT_IN_KINDS

MOST_WAYS = 2_000
"""In how many ways a pattern may match at one place: the bound on the work for each character of a text."""

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FIELDS = {"name", "pattern", "kind", "contains"}


class MaskingConfigurationError(ValueError):
    """A masking setting or rule that cannot be used; the message says which, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the user's."""

    name: str
    kind: str
    pattern: re.Pattern[str]
    contains: str = ""


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file, or MaskingConfigurationError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MaskingConfigurationError(f"masking rules {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise MaskingConfigurationError(f"masking rules {path}: not TOML: {error}") from error
    entries = content.pop("rule", None)
    if content or not isinstance(entries, list) or not entries:
        raise MaskingConfigurationError(f"masking rules {path}: write each rule as a table [[rule]], and nothing else")
    return tuple(_rule(entry, f"masking rules {path}, rule {number}") for number, entry in enumerate(entries, 1))


def _rule(entry: Any, where: str) -> Rule:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise MaskingConfigurationError(f"{where}: name, pattern, kind and contains are strings")
    missing, unknown = {"name", "pattern", "kind"} - entry.keys(), entry.keys() - _FIELDS
    if missing or unknown:
        raise MaskingConfigurationError(f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    where = f"{where} ({entry['name']})"
    if not _KIND.fullmatch(entry["kind"]) or entry["kind"] in BUILT_IN_KINDS:
        raise MaskingConfigurationError(
            f"{where}: kind has small letters, digits and _, at most 32, and is none of {', '.join(BUILT_IN_KINDS)}"
        )
    return Rule(entry["name"], entry["kind"], _compiled(entry["pattern"], where), entry.get("contains", ""))


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
        count = ways(_parser.parse(pattern))
    except re.error as error:
        raise MaskingConfigurationError(f"{where}: the pattern is not a regular expression: {error}") from error
    if count > MOST_WAYS:
        raise MaskingConfigurationError(
            f"{where}: the pattern could stall on a long text; bound every repetition, as {{1,64}} instead of + or *,"
            f" and keep the product of their ranges below {MOST_WAYS:,}"
        )
    if compiled.match("") is not None:
        raise MaskingConfigurationError(f"{where}: the pattern matches the empty text")
    return compiled


def ways(parsed: Any) -> int:
    """An upper bound on the paths that backtracking may try at one place; above MOST_WAYS it stands for any number.

    A sequence multiplies, a choice adds, and a repetition of what may match in w ways gives w^least + … + w^most.
    So (a+)+ is refused, and a lone \\d+ too, which begun anew at each digit is quadratic on a megabyte of digits.
    """
    total = 1
    for operation, argument in parsed:
        total *= _ways_of(operation, argument)
        if total > MOST_WAYS:
            return MOST_WAYS + 1
    return total


def _ways_of(operation: Any, argument: Any) -> int:
    match str(operation):
        case "BRANCH":
            return sum(ways(choice) for choice in argument[1])
        case "SUBPATTERN":
            return ways(argument[3])
        case "ATOMIC_GROUP":
            return ways(argument)
        case "ASSERT" | "ASSERT_NOT":
            return ways(argument[1])
        case "GROUPREF_EXISTS":
            return ways(argument[1]) + ways(argument[2] or ())
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _ways_repeated(*argument)
        case _:
            return 1


def _ways_repeated(least: int, most: int, repeated: Any) -> int:
    each = ways(repeated)
    if most == _constants.MAXREPEAT or most - least > MOST_WAYS or (each > 1 and most > 64):
        return MOST_WAYS + 1
    return sum(each**count for count in range(least, most + 1))
