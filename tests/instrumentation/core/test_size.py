"""Large content on the way out: cut to the limit, or whole in a store with its reference on span and record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import throughline
from instrumentation.core import toy
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, Settings, blobs, names
from throughline.operation import Operation
from throughline.parts import message, text

WORDS = "ein Wort, ein zweites und Ümläute; " * 4_000


class Said(toy.Ask):
    """Takes what is asked as content."""

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message("user", [text(body["text"])])]


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    route = toy.ToyAdapter.route
    monkeypatch.setattr(toy, "Ask", Said)
    monkeypatch.setattr(
        toy.ToyAdapter, "route",
        lambda self, call: (found := route(self, call)) and found._replace(body={**found.body, "text": call.args[0]}),
    )  # fmt: skip


def on_record(telemetry: Telemetry) -> dict[str, Any]:
    return dict(telemetry.record().attributes)


def test_what_is_over_the_limit_is_cut_and_noted_and_still_json(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, content_limit=10_000)
    toy.Model().ask(WORDS)
    attributes = telemetry.attributes()
    ((kept,),) = ([part["content"] for part in one["parts"]] for one in json.loads(attributes[names.INPUT_MESSAGES]))
    assert WORDS.startswith(kept)
    assert 9_000 < len(attributes[names.INPUT_MESSAGES].encode()) <= 10_000
    (note,) = attributes[names.CONTENT_TRUNCATED]
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    assert note.endswith(f":{len(WORDS)}:{digest}")
    assert list(on_record(telemetry)[names.CONTENT_TRUNCATED]) == [note]


def test_an_errors_message_is_cut_too(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with pytest.raises(ValueError, match="fail"):
        list(toy.Model().stream(WORDS + " fail"))
    description = str(telemetry.span().status.description)
    assert WORDS.startswith(description)
    assert 9_000 < len(description.encode()) <= 10_000


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_the_store_gets_it_whole_and_masked(telemetry: Telemetry, tmp_path: Path, kind: str) -> None:
    store = f"file://{tmp_path}/content" if kind == "file" else "memory://content"
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, content_store=store, content_store_from=50_000)
    toy.Model().ask(f"{WORDS} ada@example.com")
    attributes = telemetry.attributes()
    assert names.INPUT_MESSAGES not in attributes
    (reference,) = attributes[names.CONTENT_REF]
    assert reference.startswith(f"{names.INPUT_MESSAGES}:{store}")
    assert list(on_record(telemetry)[names.CONTENT_REF]) == [reference]
    assert names.INPUT_MESSAGES not in on_record(telemetry)
    throughline.uninstrument()  # writes what is on its way
    ((said,),) = ([part["content"] for part in one["parts"]] for one in blobs.read(reference))
    assert said.startswith(WORDS)
    assert "ada@example.com" not in said


def test_small_content_stays_searchable(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY, content_store=f"file://{tmp_path}")
    toy.Model().ask("a few words")
    assert "a few words" in telemetry.attributes()[names.INPUT_MESSAGES]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("THROUGHLINE_CONTENT_LIMIT", "12", "at least 1000"),
        ("THROUGHLINE_CONTENT_STORE_FROM", "much", "a whole number of bytes"),
    ],
)
def test_a_size_that_makes_no_sense_is_said(variable: str, value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        Settings.from_environment({variable: value})
    assert variable in str(error.value)


def test_a_store_that_cannot_be_is_said_at_the_start(telemetry: Telemetry) -> None:
    with pytest.raises(ValueError, match="THROUGHLINE_CONTENT_STORE"):
        telemetry.instrument(content=ContentMode.SPAN_ONLY, content_store="nowhere")
