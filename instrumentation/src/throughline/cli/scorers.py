"""What `throughline score` is to score by: shipped checks and judges by name, one's own by module and function."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from throughline import scores
from throughline.cli.failures import CommandError, bad_input
from throughline.scores.answers import Check
from throughline.scores.batch.scorers import ByCode, ByJudge, Scorer
from throughline.scores.judging import Ask, Judge
from throughline.scores.rubrics import RUBRICS, Message, Rubric

CHECKS: Final[dict[str, Check]] = {
    "groundedness": scores.groundedness,
    "format": scores.format_valid,
    "length": scores.length,
    "refusal": scores.refusal,
    "json": scores.json_valid,
}
NAMES: Final = ", ".join([*CHECKS, "json:SCHEMA.json", *RUBRICS, "MODULE:FUNCTION"])


def scorers_of(wanted: Sequence[str], judge_model: str | None, judge_ask: str | None) -> list[Scorer]:
    """In their order. Raises CommandError for one that is not there, or needs what is not installed."""
    found = [_found(name) for name in dict.fromkeys(wanted)]
    ask = _ask(judge_model, judge_ask) if any(isinstance(each, Rubric) for each in found) else None
    model = judge_model or judge_ask or ""
    return [
        ByJudge(Judge(each, ask, model=model)) if isinstance(each, Rubric) and ask else ByCode(each)  # type: ignore[arg-type]
        for each in found
    ]


def _found(name: str) -> Check | Rubric:
    if name in CHECKS:
        return CHECKS[name]
    if name in RUBRICS:
        return RUBRICS[name]
    kind, separator, rest = name.partition(":")
    if not separator:
        raise bad_input(f"there is no check {name!r}", f"name one of {NAMES}")
    found = _by_schema(Path(rest)) if kind == "json" else imported(name)
    if not isinstance(found, Rubric) and not callable(found):
        raise bad_input(f"{name} is no function of an answer", "see `throughline.scores.Check`")
    return found


def _by_schema(file: Path) -> Check:
    try:
        schema = json.loads(file.read_bytes())
        return scores.json_matching(schema)
    except OSError as error:
        raise bad_input(f"{file} cannot be read: {error.strerror}", "name a file with a JSON Schema") from None
    except (ImportError, ValueError, TypeError) as error:
        raise bad_input(f"{file}: {error}", "correct it, or install what is missing") from None


def imported(name: str) -> Any:
    """What a module of the application's calls so; modules of the working directory are found, too."""
    module, _, attribute = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever their module raises
        reason = str(error) if isinstance(error, ImportError | AttributeError) else type(error).__qualname__
        raise bad_input(f"{name} cannot be had: {reason}", "write MODULE:FUNCTION, of what Python can import") from None


def _ask(model: str | None, name: str | None) -> Ask:
    if name:
        ask = imported(name)
        if not callable(ask):
            raise bad_input(f"{name} is no function of messages", "see `throughline.scores.Judge`")
        return ask  # type: ignore[no-any-return]
    if not model:
        raise bad_input(
            "these need a judge, and no model is named",
            "give --judge-model (by the package openai), or --judge-ask MODULE:FUNCTION for any other client",
        )
    return _by_openai(model)


def _by_openai(model: str) -> Callable[[list[Message]], str]:
    try:
        openai: Any = importlib.import_module("openai")
    except ImportError:
        raise _no_client("the package openai is not installed") from None
    try:
        client = openai.OpenAI()
    except openai.OpenAIError:
        raise _no_client("the OpenAI client has no key: OPENAI_API_KEY is not set") from None

    def ask(messages: list[Message]) -> str:
        return client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""

    return ask


def _no_client(why: str) -> CommandError:
    return bad_input(f"--judge-model: {why}", "see to that, or name your own client by --judge-ask MODULE:FUNCTION")
