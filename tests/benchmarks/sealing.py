"""CPU of sealing a record's content for an auditor, and of opening it, by the content's size. Asserts nothing."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import thread_time_ns

from rich.console import Console
from rich.table import Table
from throughline import names
from throughline.content import encoded
from throughline.privacy.sealing import Opener, Seal

sys.path.insert(0, str(Path(__file__).parents[1]))
from instrumentation.privacy.keys import sealing_pair

SIZES = {"100 B": (100, 500), "4 KB": (4_000, 500), "32 KB": (32_000, 200), "1 MB": (1_000_000, 10)}
ROUNDS = 15
PLACE = ("1" * 48, names.CLIENT_INFERENCE_OPERATION_DETAILS)


def microseconds(act: Callable[[], object], count: int) -> float:
    """The median over some rounds, of one call."""
    rounds = []
    for _ in range(ROUNDS):
        begin = thread_time_ns()
        for _ in range(count):
            act()
        rounds.append((thread_time_ns() - begin) / count / 1e3)
    return statistics.median(rounds)


def main() -> None:
    table = Table(title="µs of the calling thread", box=None, pad_edge=False)
    for heading in ("content", "its JSON alone", "sealed", "opened", "grows to"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        pair = sealing_pair(Path(folder))
        seal, opener = Seal(pair.public), Opener(pair.private)
        for name, (size, count) in SIZES.items():
            said = {names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "x" * size}]}]}
            sealed = seal.record(said, *PLACE)[names.CONTENT_SEALED]
            figures = (
                microseconds(lambda said=said: encoded(said).encode(), count),  # type: ignore[misc]
                microseconds(lambda said=said: seal.record(said, *PLACE), count),  # type: ignore[misc]
                microseconds(lambda sealed=sealed: opener.record(sealed, *PLACE), count),  # type: ignore[misc]
            )
            table.add_row(name, *(f"{each:,.0f}" for each in figures), f"{len(sealed):,} B")
    Console().print(table)


if __name__ == "__main__":
    main()
