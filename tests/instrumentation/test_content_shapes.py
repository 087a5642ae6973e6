"""Any content at all keeps its shape within the limit, says what is missing, and costs linear work."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from instrumentation.conformance import CONVENTIONS
from instrumentation.test_content import INPUT, SCHEMAS, at, said, sha256, size
from throughline import names
from throughline.content import OMITTED, beginning, encoded, limited, weight

CHARACTERS = st.characters(codec="utf-8") | st.sampled_from('"\\\n\x1f\u65e5😀aa')
TEXTS = st.builds(
    lambda text, times, end: text * times + end, st.text(CHARACTERS, max_size=12), st.sampled_from([1, 1, 40, 700]),
    st.text(CHARACTERS, max_size=3),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(CHARACTERS, max_size=5), JSON, max_size=5)
PARTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["text", "reasoning"]), "content": TEXTS}),
        st.fixed_dictionaries({"type": st.just("tool_call"), "name": TEXTS, "arguments": JSON}),
        st.fixed_dictionaries({"type": st.just("tool_call_response"), "id": TEXTS, "response": JSON}),
        st.fixed_dictionaries({"type": TEXTS, "server_tool_call": OBJECTS.map(lambda inner: {**inner, "type": "x"})}),
        OBJECTS.map(lambda inner: {**inner, "type": "odd"}),
    ),
    max_size=6,
)
CONTENT: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.lists(st.fixed_dictionaries({"role": TEXTS, "parts": PARTS}), max_size=8).map(lambda found: {INPUT: found}),
    st.lists(st.fixed_dictionaries({"role": TEXTS, "parts": PARTS, "finish_reason": TEXTS}), max_size=3).map(
        lambda found: {names.OUTPUT_MESSAGES: found}
    ),
    PARTS.map(lambda found: {names.SYSTEM_INSTRUCTIONS: found}),
    st.lists(OBJECTS.map(lambda found: {**found, "id": "1"})).map(lambda found: {names.RETRIEVAL_DOCUMENTS: found}),
    st.lists(st.fixed_dictionaries({"content": JSON, "metadata": OBJECTS})).map(
        lambda found: {names.MEMORY_RECORDS: found}
    ),
    st.lists(st.fixed_dictionaries({"type": TEXTS, "name": TEXTS, "description": TEXTS})).map(
        lambda found: {names.TOOL_DEFINITIONS: found}
    ),
    OBJECTS.map(lambda found: {names.TOOL_CALL_ARGUMENTS: found, names.TOOL_CALL_RESULT: found}),
)


@cache
def validator(name: str) -> Any:
    return jsonschema.Draft7Validator(json.loads((CONVENTIONS / "gen-ai" / SCHEMAS[name]).read_text()))


def pieces(value: Any) -> Iterator[str]:
    """All that a note may be about: strings as they are, structures and runs of items as JSON."""
    if isinstance(value, str):
        yield value
        yield encoded([value])
        return
    yield encoded(value)
    yield encoded([value])
    if isinstance(value, list):
        for index in range(len(value)):
            yield from (encoded(value[:index]), encoded(value[index:]))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from pieces(inner)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=CONTENT, most=st.sampled_from([1_000, 1_001, 1_500, 4_000, 20_000]))
@example(content={INPUT: [said("\ud83d" * 900)]}, most=1_000)
def test_any_content_keeps_its_shape_within_the_limit(content: dict[str, Any], most: int) -> None:
    before = copy.deepcopy(content)
    found, notes = limited(content, most)
    assert content == before
    originals = {(str(len(piece)), sha256(piece)): piece for piece in pieces(list(content.values()))} if notes else {}
    for name, value in found.items():
        assert size(value) <= most
        validator(name).validate(json.loads(encoded(value)))
    for note in notes:
        path, length, digest = note.rsplit(":", 2)
        left, original = at(found, path), originals[length, digest]
        assert original.startswith(left) if isinstance(left, str) else OMITTED in encoded(left)
    untouched = {note.split("[")[0] for note in notes}
    assert all(found[name] == content[name] for name in found if name not in untouched)


@given(text=st.text(CHARACTERS), most=st.integers(0, 60))
def test_a_beginning_is_as_long_as_it_may_be(text: str, most: int) -> None:
    def written(part: str) -> int:
        return size(part) - 2

    kept = beginning(text, most)
    assert text.startswith(kept)
    assert written(kept) <= most
    assert kept == text or written(text[: len(kept) + 1]) > most


def test_a_pair_of_halves_is_not_split() -> None:
    assert beginning("ab\ud83d\ude00", 5) == "ab"


@given(value=JSON)
def test_the_weight_bounds_the_json(value: Any) -> None:
    plain, wide, other = weight(value)
    assert plain + wide + other <= size(value) <= 6 * (plain + wide) + 25 * other


@pytest.mark.parametrize("kind", ["one text", "escapes", "messages", "parts", "rows", "texts in rows"])
def test_eight_times_the_content_is_about_eight_times_the_work(kind: str) -> None:
    def made(times: int) -> list[dict[str, Any]]:
        match kind:
            case "one text":
                return [said("word " * 40_000 * times)]
            case "escapes":
                return [said("\\" * 100_000 * times)]
            case "messages":
                return [said("hi") for _ in range(2_000 * times)]
            case "parts":
                return [said(*("hi" for _ in range(2_000 * times)))]
            case "rows":
                rows: list[Any] = [{"a": number} for number in range(2_000 * times)]
            case _:
                rows = [{"a": "x" * 600} for number in range(200 * times)]
        return [{"role": "tool", "parts": [{"type": "tool_call_response", "response": rows}]}]

    def work(content: dict[str, Any], most: int) -> float:
        begun = time.thread_time()
        limited(content, most)
        return time.thread_time() - begun

    small, large = {INPUT: made(1)}, {INPUT: made(8)}
    least = min(work(small, 10_000) for _ in range(5))
    assert min(work(large, 80_000) for _ in range(3)) < 3 * 8 * max(least, 1e-4)
