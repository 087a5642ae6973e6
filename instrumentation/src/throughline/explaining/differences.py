"""Two requests beside each other, part by part, and what differs first. Reads no store and lays nothing out.

What is an id, or a time, differs between any two requests, and counts for nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from math import isclose
from typing import Any, Final

from throughline import names
from throughline.explaining.requests import Document, Request, Step, number
from throughline.explaining.sections import SHARED, TEXTS, Section, section_of

Lines = Callable[[Mapping[str, Any]], Sequence[str]]
"""What a person reads of messages, given as attributes by their names."""
_MESSAGES: Final = (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS)
_CONTEXT_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its records, with content for who may read it, and its evaluations."""

    request: Request
    evaluations: Sequence[Document] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One figure or word of both; None where one has none. `counts`: whether it makes the two differ."""

    section: Section
    step: str
    label: str
    a: Any
    b: Any
    counts: bool = True

    @property
    def is_alike(self) -> bool:
        """Numbers are alike to nine digits, as they were written by computers that add in another order."""
        if number(self.a) is not None and number(self.b) is not None:
            return isclose(self.a, self.b, rel_tol=1e-9)
        return bool(self.a == self.b)


@dataclass(frozen=True, slots=True)
class Text:
    """Content of both, line by line, as difflib's unified diff; empty where it is alike, or was not compared."""

    section: Section
    step: str
    label: str
    diff: tuple[str, ...] = ()
    obstacle: str | None = None
    """Why it was not compared."""

    @property
    def is_alike(self) -> bool:
        """Whether no difference is known."""
        return not self.diff


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows and texts, in the order in which a request runs."""

    rows: tuple[Row, ...]
    texts: tuple[Text, ...]

    @property
    def differing(self) -> list[Row | Text]:
        """What makes the two differ, the first of the run first."""
        found: list[Row | Text] = [row for row in self.rows if row.counts and not row.is_alike]
        found += [text for text in self.texts if not text.is_alike]
        order = list(Section)
        return sorted(found, key=lambda each: order.index(each.section))

    @property
    def slower(self) -> Row | None:
        """The step whose time differs most."""
        times = [row for row in self.rows if row.section is Section.TIMING and row.step]
        return max(times, key=lambda row: abs((row.b or 0.0) - (row.a or 0.0)), default=None)

    @property
    def obstacles(self) -> list[str]:
        """Why some content was not compared, each reason once."""
        return list(dict.fromkeys(text.obstacle for text in self.texts if text.obstacle))


def compare(a: Side, b: Side, lines: Lines) -> Comparison:
    """The steps are paired by kind and place: the second chat of one is put beside the second chat of the other."""
    rows = [*_shared(a.request, b.request)]
    texts: list[Text] = []
    for name, mine, other in _paired(a.request, b.request):
        rows += _step(name, mine, other)
        if mine is not None and other is not None:
            rows += _passages(name, mine, other)
            texts += _texts(name, mine, other, lines)
    rows += [*_scores(a, b), Row(Section.TIMING, "", "in all", a.request.seconds, b.request.seconds, counts=False)]
    order = list(Section)
    rows.sort(key=lambda row: order.index(row.section))
    texts.sort(key=lambda text: order.index(text.section))
    return Comparison(tuple(rows), tuple(texts))


def _shared(a: Request, b: Request) -> Iterator[Row]:
    for name, section in SHARED.items():
        told = a.told(name), b.told(name)
        if told != (None, None):
            yield Row(section, "", name, *told)


def _paired(a: Request, b: Request) -> Iterator[tuple[str, Step | None, Step | None]]:
    mine, others = _named(a), _named(b)
    for name in dict.fromkeys((*mine, *others)):
        yield name, mine.get(name), others.get(name)


def _named(request: Request) -> dict[str, Step]:
    """`chat`, `chat 2`: by kind and place."""
    seen: Counter[str] = Counter()
    found: dict[str, Step] = {}
    for step in (*request.steps, *request.around):
        seen[step.kind] += 1
        found[step.kind if seen[step.kind] == 1 else f"{step.kind} {seen[step.kind]}"] = step
    return found


def _step(name: str, a: Step | None, b: Step | None) -> Iterator[Row]:
    yield Row(Section.TIMING, name, "took", a.seconds if a else None, b.seconds if b else None, counts=False)
    if a is None or b is None:
        kind = (a or b).kind  # type: ignore[union-attr]  # one of them is there
        section = section_of(names.END_REASON, kind) or Section.PROCESSING
        yield Row(section, name, "step", "there" if a else "not there", "there" if b else "not there")
        return
    for attribute in sorted({*a.attributes, *b.attributes}):
        if place := section_of(attribute, a.kind):
            yield Row(place, name, attribute, a.attributes.get(attribute), b.attributes.get(attribute))
    for attribute in sorted({*a.resource, *b.resource} & _PLACE):
        yield Row(Section.SERVICE, name, attribute, a.resource.get(attribute), b.resource.get(attribute))


_PLACE: Final = {names.SERVICE_NAME, "service.version", "host.name", names.DEPLOYMENT_ENVIRONMENT_NAME}


def _passages(name: str, a: Step, b: Step) -> Iterator[Row]:
    """Each passage that was found, by its id: its score in both."""
    mine, others = _found(a), _found(b)
    for passage in dict.fromkeys((*mine, *others)):
        yield Row(Section.RETRIEVAL, name, f"passage {passage}", mine.get(passage), others.get(passage))


def _found(step: Step) -> dict[str, Any]:
    told = _plain(step.attributes.get(names.RETRIEVAL_DOCUMENTS))
    passages = [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []
    return {str(each.get("id", place)): each.get("score", "found") for place, each in enumerate(passages, 1)}


def _plain(value: Any) -> Any:
    """Structure that was written as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _texts(name: str, a: Step, b: Step, lines: Lines) -> Iterator[Text]:
    section = Section.RETRIEVAL if a.kind == "retrieval" else Section.MESSAGES
    if obstacle := _obstacle(a, b):
        yield Text(section, name, "content", obstacle=obstacle)
        return
    for attribute, section in TEXTS.items():
        mine, others = _lines(a, attribute, lines), _lines(b, attribute, lines)
        if mine or others:
            diff = unified_diff(mine, others, "A", "B", lineterm="", n=_CONTEXT_LINES)
            yield Text(section, name, attribute, tuple(diff))


def _obstacle(a: Step, b: Step) -> str | None:
    """Why the content of two steps cannot be compared, or None."""
    for step in (a, b):
        if names.CONTENT_SEALED in step.attributes:
            return f"sealed for key {step.attributes.get(names.CONTENT_SEALED_FOR, '?')}"
    has = [any(attribute in step.attributes for attribute in (*TEXTS, names.RETRIEVAL_DOCUMENTS)) for step in (a, b)]
    if all(has) or not any(has):
        return None
    return f"only {'A' if has[0] else 'B'} has any: the other's was not captured, was erased, or is not yours to read"


def _lines(step: Step, attribute: str, lines: Lines) -> list[str]:
    value = step.attributes.get(attribute)
    if value in (None, "", []):
        return []
    if attribute in _MESSAGES:
        return [line for text in lines({attribute: value}) for line in text.splitlines()]
    if isinstance(plain := _plain(value), str):
        return plain.splitlines()
    return json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True, default=str).splitlines()


def _scores(a: Side, b: Side) -> Iterator[Row]:
    mine, others = _evaluated(a), _evaluated(b)
    for name in dict.fromkeys((*mine, *others)):
        yield Row(Section.SCORES, "", name, mine.get(name), others.get(name))


def _evaluated(side: Side) -> dict[str, Any]:
    """The newest score of each name, or its label where it has no number."""
    found: dict[str, Any] = {}
    for document in side.evaluations:
        told = document.get("attributes", {})
        if name := told.get(names.EVALUATION_NAME):
            value = told.get(names.EVALUATION_SCORE_VALUE)
            found[str(name)] = told.get(names.EVALUATION_SCORE_LABEL) if value is None else value
    return found
