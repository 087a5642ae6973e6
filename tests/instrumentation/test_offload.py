"""Large content ends up in the store, once; where it cannot, it stays where it was."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context
from throughline import names, offload
from throughline.blobs import CONTENT_STORE, Reference, read
from throughline.offload import Offload

LEAST = 1_000
SECRET = "the patient is Ana Silva"


def content(text: str = "large ", times: int = 500) -> dict[str, Any]:
    return {names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": text * times}]}]}


def until(holds: Callable[[], Any]) -> None:
    """Wait for it; give up without a word, for the test to fail on what is missing."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        os.sched_yield()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "content"


@pytest.fixture
def opened() -> Iterator[Callable[..., Offload]]:
    """Make offloads, which are closed at the end."""
    made: list[Offload] = []

    def make(url: str, **options: Any) -> Offload:
        made.append(Offload(url, LEAST, **{"pause": 0.001, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close(0)


@pytest.fixture
def trial() -> Any:
    """A store that does as a test wishes."""

    class Trial(MemoryFileSystem):
        protocol = "trial"
        cachable = False
        asked: list[str] = []
        before = staticmethod(lambda *_: None)

        def pipe_file(self, path: str, value: bytes, *args: Any, **kwargs: Any) -> None:
            Trial.asked.append(path)
            Trial.before(path, value)
            super().pipe_file(path, value, *args, **kwargs)

    Trial.store.clear()
    fsspec.register_implementation("trial", Trial, clobber=True)
    return Trial


def refusing(holds: Callable[[], Any]) -> Any:
    def before(_path: str, value: bytes) -> None:
        if holds():
            raise PermissionError(f"no room for {value!r}")

    return staticmethod(before)


def test_large_content_is_in_the_store_and_its_reference_leads_there(opened: Any, folder: Path) -> None:
    store = opened(f"file://{folder}")
    small = {names.RETRIEVAL_QUERY_TEXT: "why?"}
    kept, (reference,) = store.take({**content(), **small})
    assert kept == small
    assert store.flush(10)
    (blob,) = folder.iterdir()
    data = blob.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert blob.name == f"{digest}.json"
    assert reference == f"{names.INPUT_MESSAGES}:file://{blob}:{digest}:{len(data)}"
    assert read(reference) == content()[names.INPUT_MESSAGES] == json.loads(data)
    assert store.counts == offload.Counts(stored=1)


def test_what_is_small_is_given_back_as_it_is(opened: Any, folder: Path) -> None:
    store = opened(f"file://{folder}")
    given = content("small", 10)
    kept, references = store.take(given)
    assert kept is given
    assert references == []
    assert not folder.exists()


@pytest.mark.parametrize("text", ["a", "é", "日", "😀"])
def test_the_threshold_is_in_bytes(opened: Any, text: str) -> None:
    store = opened("memory://threshold")
    store.least = len((text * 400).encode())
    assert store.take({names.RETRIEVAL_QUERY_TEXT: text * 400})[1]
    store.least += 3  # more than two quotes
    assert not store.take({names.RETRIEVAL_QUERY_TEXT: text * 400})[1]
    assert store.flush(10)


def test_each_large_attribute_has_its_own_blob(opened: Any, folder: Path) -> None:
    store = opened(f"file://{folder}")
    given = {**content(), names.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "be brief " * 500}]}
    kept, references = store.take(given)
    assert kept == {}
    assert store.flush(10)
    assert {Reference.parsed(each).attribute: read(each) for each in references} == given


def test_the_same_content_is_one_blob(opened: Any, folder: Path) -> None:
    store = opened(f"file://{folder}")
    first, second = store.take(content())[1], store.take(content())[1]
    assert store.flush(10)
    assert first == second == store.take(content())[1]
    assert len(list(folder.iterdir())) == 1
    assert store.counts == offload.Counts(stored=1, repeated=2)


def test_what_was_written_long_ago_is_written_again(opened: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that lets blobs expire by age must not lose one that a new record refers to."""
    store = opened(f"file://{folder}")
    (reference,) = store.take(content())[1]
    assert store.flush(10)
    (blob,) = folder.iterdir()
    blob.unlink()
    store.take(content())
    assert store.flush(10)
    assert not blob.exists()
    monkeypatch.setattr(offload, "_REMEMBERED", 0.0)
    store.take(content())
    assert store.flush(10)
    assert read(reference) == content()[names.INPUT_MESSAGES]


@given(text=st.text(st.characters() | st.sampled_from("\ud83d\ude00\x00"), min_size=1, max_size=20))
def test_any_text_comes_back(text: str) -> None:
    store = Offload("memory://texts", 1)
    (reference,) = store.take({names.RETRIEVAL_QUERY_TEXT: text})[1]
    assert store.flush(10)
    store.close(0)
    assert read(reference) == json.loads(json.dumps(text))


def test_many_threads_lose_nothing(opened: Any, folder: Path) -> None:
    store = opened(f"file://{folder}")

    def call(number: int) -> list[str]:
        references: list[str] = store.take(content(f"{number % 40} "))[1]
        return references

    with ThreadPoolExecutor(8) as pool:
        found = [reference for references in pool.map(call, range(200)) for reference in references]
    assert store.flush(20)
    assert len(found) == 200
    assert len({json.dumps(read(reference)) for reference in found}) == len(list(folder.iterdir())) == 40
    assert (store.counts.stored, store.counts.repeated) == (40, 160)


def test_the_thread_holds_no_context_and_is_not_traced(opened: Any, trial: Any) -> None:
    seen: list[Any] = []
    trial.before = staticmethod(lambda *_: seen.append(dict(context.get_current())))
    token = context.attach(context.set_value("whose", SECRET))
    try:
        store = opened("trial://bucket")
        store.take(content())
        assert store.flush(10)
    finally:
        context.detach(token)
    assert SECRET not in seen[0].values()
    assert seen[0][context._SUPPRESS_INSTRUMENTATION_KEY] is True


# --- when it cannot be --------------------------------------------------------------------------------------------


@pytest.mark.complains
def test_while_the_store_fails_content_stays_and_what_was_taken_is_tried_again(
    opened: Any, trial: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]
    trial.before = refusing(lambda: broken[0])
    store = opened("trial://bucket")
    (reference,) = store.take(content(SECRET))[1]
    until(lambda: len(trial.asked) > 3)
    given = content("second ")
    kept, references = store.take(given)
    assert kept is given
    assert references == []
    broken[0] = False
    assert store.flush(10)
    assert read(reference) == content(SECRET)[names.INPUT_MESSAGES]
    assert store.take(given)[1]
    assert store.flush(10)
    assert store.counts == offload.Counts(stored=2, refused=1)
    (warning,) = caplog.messages
    assert CONTENT_STORE in warning
    assert "PermissionError" in warning
    assert SECRET not in caplog.text


@pytest.mark.complains
def test_no_outage_is_too_long_for_what_was_taken(opened: Any, trial: Any) -> None:
    broken = [True]
    trial.before = refusing(lambda: broken[0])
    store = opened("trial://bucket", pause=0.0)
    (reference,) = store.take(content())[1]
    until(lambda: len(trial.asked) > 50)
    broken[0] = False
    assert store.flush(10)
    assert store.counts == offload.Counts(stored=1)
    assert read(reference) == content()[names.INPUT_MESSAGES]


@pytest.mark.complains
def test_known_content_is_referred_to_even_while_the_store_fails(opened: Any, trial: Any) -> None:
    store = opened("trial://bucket")
    (reference,) = store.take(content())[1]
    assert store.flush(10)
    trial.before = refusing(lambda: True)
    store.take(content("second "))
    until(lambda: len(trial.asked) > 3)
    assert store.take(content())[1] == [reference]
    assert store.take(content("second "))[1] == []


@pytest.mark.complains
def test_a_blob_that_the_store_never_takes_does_not_hold_up_the_others(
    opened: Any, trial: Any, caplog: pytest.LogCaptureFixture
) -> None:
    held = threading.Event()

    def before(_path: str, value: bytes) -> None:
        held.wait(10)
        if b"poison" in value:
            raise ValueError(value)

    trial.before = staticmethod(before)
    store = opened("trial://bucket")
    ((poison,), (good,)) = store.take(content("poison "))[1], store.take(content("good "))[1]
    held.set()
    assert store.flush(20)
    assert store.counts == offload.Counts(stored=1, lost=1)
    assert read(good) == content("good ")[names.INPUT_MESSAGES]
    with pytest.raises(FileNotFoundError):
        read(poison)
    until(lambda: len(caplog.messages) == 2)
    assert "gave up" in caplog.text
    assert "poison" not in caplog.text


@pytest.mark.complains
def test_what_does_not_fit_in_the_queue_stays(opened: Any, trial: Any, caplog: pytest.LogCaptureFixture) -> None:
    held = threading.Event()
    trial.before = staticmethod(lambda *_: held.wait(10))
    store = opened("trial://bucket", most_waiting=7_000)
    assert len(store.take(content("a" * 6))[1]) == 1
    assert len(store.take(content("b" * 6))[1]) == 1
    assert store.take(content("a" * 6))[1]  # is in the queue already
    given = content("c" * 6)
    assert store.take(given) == (given, [])
    assert store.take(given) == (given, [])
    held.set()
    assert store.flush(10)
    assert store.take(given)[1]
    assert store.flush(10)
    assert store.counts == offload.Counts(stored=3, repeated=1, refused=2)
    (warning,) = caplog.messages
    assert "queue is full" in warning


def test_where_no_thread_can_be_started_content_stays(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(offload, "start_new_thread", refused)
    store = opened("memory://nothing")
    given = content()
    assert store.take(given) == (given, [])
    assert store.flush(0)
