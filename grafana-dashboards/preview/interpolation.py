"""A dashboard's variables put into texts as Grafana does it: which form a value takes where. It asks nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from preview.frames import UntranslatedError

Value = str | list[str]
Values = Mapping[str, Value]

_VARIABLE: Final = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::([^}]+))?\}")
_LUCENE: Final = re.compile(r'([!*+\-=<>\s&|()\[\]{}^~?:\\/"])')
_REGEX: Final = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_UNQUOTED: Final = "-_.~"  # the strict form of RFC 3986, which also quotes !'()*


class Everything(str):
    """A variable's own text for All; the one value that Grafana puts in as it is, whatever the form."""

    __slots__ = ()


class UnknownVariableError(LookupError):
    """A text names a variable that the dashboard lacks. Grafana would send the text as it is."""


def interpolate(text: str, values: Values, form: str = "lucene") -> str:
    """The text with its variables' values, each in the form that it asks for, else in `form`.

    What Grafana's server fills in (`$__interval_ms`) stays unless it is among the values.
    """

    def written(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        if name not in values:
            if name.startswith("__"):
                return found[0]
            raise UnknownVariableError(name)
        return _written(name, values[name], found[3] or found[5] or form)

    return _VARIABLE.sub(written, text)


def everywhere(value: Any, values: Values, form: str = "glob") -> Any:
    """Any JSON value with the variables in its texts, as Grafana fills in all but a query's own text."""
    match value:
        case str():
            return interpolate(value, values, form)
        case dict():
            return {name: everywhere(inner, values, form) for name, inner in value.items()}
        case list():
            return [everywhere(inner, values, form) for inner in value]
        case _:
            return value


def _written(name: str, value: Value, form: str) -> str:
    if isinstance(value, Everything):
        return f"var-{name}=$__all" if form == "queryparam" else "All" if form == "text" else str(value)
    if form == "queryparam":
        several = [value] if isinstance(value, str) else value
        return "&".join(f"var-{name}={quote(each, safe=_UNQUOTED)}" for each in several)
    try:
        return _FORMS[form](value)
    except KeyError:
        raise UntranslatedError(f"the form {form!r} of a variable") from None


def _lucene(value: Value) -> str:
    if isinstance(value, str):
        return _escaped(value)
    return "(" + " OR ".join(f'"{_escaped(each)}"' for each in value) + ")" if value else "__empty__"


def _escaped(text: str) -> str:
    """A number is left as it is, a negative one too."""
    return text if _is_number(text) else _LUCENE.sub(r"\\\1", text)


def _is_number(text: str) -> bool:
    """As JavaScript reads one: blank counts as 0, and a prefix may give the base."""
    stripped = text.strip()
    if re.fullmatch(r"0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|[+-]?Infinity", stripped):
        return True
    return not stripped or bool(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", stripped))


def _regex(value: Value) -> str:
    several = [value] if isinstance(value, str) else value
    escaped = [_REGEX.sub(lambda found: "\\" + found[0], each) for each in several]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


def _glob(value: Value) -> str:
    if isinstance(value, str) or len(value) == 1:
        return value if isinstance(value, str) else value[0]
    return "{" + ",".join(value) + "}" if value else ""


def _joined(separator: str) -> Callable[[Value], str]:
    return lambda value: value if isinstance(value, str) else separator.join(value)


def _quoted(mark: str) -> Callable[[Value], str]:
    def write(value: Value) -> str:
        several = [value] if isinstance(value, str) else value
        return ",".join(mark + each.replace(mark, "\\" + mark) + mark for each in several)

    return write


_FORMS: Final[dict[str, Callable[[Value], str]]] = {
    "lucene": _lucene,
    "raw": _joined(","),
    "csv": _joined(","),
    "pipe": _joined("|"),
    "regex": _regex,
    "glob": _glob,
    "text": _joined(" + "),
    "json": lambda value: value if isinstance(value, str) else json.dumps(value, separators=(",", ":")),
    "doublequote": _quoted('"'),
    "singlequote": _quoted("'"),
    "percentencode": lambda value: quote(value if isinstance(value, str) else _glob(value), safe=_UNQUOTED),
}
