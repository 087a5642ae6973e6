"""At exit nothing that was taken is lost, nor does it take long; a forked child writes its own content and no other."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from throughline.blobs import CONTENT_STORE, read
from throughline.offload import Offload

SECRET = "the patient is Ana Silva"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "content"


def test_after_the_close_content_stays(folder: Path) -> None:
    store = Offload(f"file://{folder}", 1_000)
    assert len(store.take({"a": "first " * 500})[1]) == 1
    store.close(10)
    assert len(list(folder.iterdir())) == 1
    given = {"a": "second " * 500}
    assert store.take(given) == (given, [])
    deadline = time.monotonic() + 10
    while store._working and time.monotonic() < deadline:
        os.sched_yield()
    assert not store._working


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    preamble = """
        import os, sys
        from throughline import offload
        from throughline.offload import Offload
        def content(text):
            return {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": text * 1000}]}]}
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(preamble) + textwrap.dedent(script), *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_at_exit_nothing_is_lost(folder: Path) -> None:
    done = run(
        """
        store = Offload(sys.argv[1], 1000)
        for number in range(50):
            for reference in store.take(content(f"{number} "))[1]:
                print(reference)
        """,
        f"file://{folder}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    references = done.stdout.split()
    assert len(references) == 50
    assert all(read(reference) for reference in references)


def test_at_exit_pools_still_work(folder: Path) -> None:
    """The clients of object stores look names up in a pool, which Python closes before it runs `atexit`."""
    done = run(
        """
        from throughline.blobs import Store
        write = Store.write
        def pooled(self, digest, data):
            import concurrent.futures
            global pool
            pool = concurrent.futures.ThreadPoolExecutor(1)
            pool.submit(write, self, digest, data).result()
        Store.write = pooled
        print(*Offload(sys.argv[1], 1000).take(content("last words "))[1])
        """,
        f"file://{folder}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert read(done.stdout.strip())


def test_a_store_that_never_answers_does_not_hold_up_the_exit() -> None:
    begun = time.monotonic()
    done = run(
        f"""
        import threading
        from throughline.blobs import Store
        Store.write = lambda self, digest, data: threading.Event().wait()
        offload._AT_EXIT = 0.2
        store = Offload("memory://never", 1000)
        store.take(content("{SECRET}"))
        store.take(content("more "))
        """
    )
    assert done.returncode == 0
    assert CONTENT_STORE in done.stderr
    assert "2 contents" in done.stderr
    assert time.monotonic() - begun < 20
    assert SECRET not in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_its_own_and_only_its_own(folder: Path) -> None:
    done = run(
        """
        import threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from throughline.blobs import Store
        write, parent, held = Store.write, os.getpid(), threading.Event()
        def slow(self, digest, data):
            here = "parent" if os.getpid() == parent else "child"
            if here == "parent":
                held.wait(30)
            print(here, "writes", "parents" if b"parents" in data else "childs", flush=True)
            write(self, digest, data)
        Store.write = slow
        store = Offload(sys.argv[1], 1000)
        store.take(content("parents "))
        with store._changed:  # a lock that some thread holds while another one forks
            child = os.fork()
        if child == 0:
            references = store.take(content("childs "))[1]
            assert len(references) == 1 and store.flush(10) and store.counts.stored == 1
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        held.set()
        assert store.flush(10) and store.counts.stored == 1
        """,
        f"file://{folder}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n") == ["child writes childs", "parent writes parents", ""]
    assert len(list(folder.iterdir())) == 2
