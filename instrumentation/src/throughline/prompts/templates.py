"""Jinja templates in a sandbox: what they need, whether they are sound, their text with values; knows no files."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

# What a prompt says is text, not HTML, so nothing is escaped; what it may do is bounded by the sandbox.
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined, trim_blocks=True)
_OF_OTHERS: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def variables(source: str) -> frozenset[str]:
    """Names that a template takes from outside. Raises ValueError, with the line, for what is no template, knows a
    filter that is none, or reaches for another file."""
    try:
        source.encode()
        tree = _ENVIRONMENT.parse(source)
        if found := next(tree.find_all(_OF_OTHERS), None):
            raise ValueError(f"line {found.lineno}: a template stands alone: write out what it would include or import")
        return frozenset(meta.find_undeclared_variables(tree) - _ENVIRONMENT.globals.keys())
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair: write the character itself") from None
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: is no template: {error.message}") from None


def rendered(source: str, values: Mapping[str, Any]) -> str:
    """Its text without white space around it. Raises ValueError, with the line and the kind of error: its own message
    may quote a value."""
    try:
        return _compiled(source).render(values).strip()
    except Exception as error:
        raise ValueError(f"line {_line(error)} fails with these values: {type(error).__name__}") from None


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    """Only what is used: a folder keeps every version there was."""
    return _ENVIRONMENT.from_string(source)


def _line(error: Exception) -> int | str:
    """Jinja gives its frames the lines of the template."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or "?" for frame in reversed(frames) if frame.filename == "<template>"), "?")
