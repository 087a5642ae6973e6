"""A spool's metrics as they are exported: what waits, how long, and what was lost; before and after a fork."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import throughline
from instrumentation.records.chained import RESOURCE, on_disk, put
from instrumentation.records.receiving import Receiver, plain, until
from instrumentation.telemetry import Telemetry
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from throughline import names
from throughline.records import ages
from throughline.records.ages import Ages
from throughline.records.journal import Journal
from throughline.records.measuring import measure
from throughline.settings import Settings, WhenFull

NAMES = (names.SPOOL_SIZE, names.SPOOL_RECORDS, names.SPOOL_OLDEST_AGE, names.SPOOL_DROPPED, names.SPOOL_REFUSED)


def exported(reader: InMemoryMetricReader) -> dict[str, float]:
    """Name → value of each spool metric that is exported now; all have one series, without attributes."""
    read: Any = reader.get_metrics_data()
    found = [m for r in read.resource_metrics for s in r.scope_metrics for m in s.metrics] if read else []
    points = [(metric.name, point) for metric in found if metric.name in NAMES for point in metric.data.data_points]
    assert not any(point.attributes for _, point in points)
    assert len({name for name, _ in points}) == len(points)
    return {name.removeprefix("throughline.spool."): point.value for name, point in points}


@pytest.fixture
def reader() -> Iterator[InMemoryMetricReader]:
    own = InMemoryMetricReader()
    yield own
    own.shutdown()


def measured(reader: InMemoryMetricReader, journal: Journal) -> None:
    measure(MeterProvider([reader], shutdown_on_exit=False).get_meter("tests"), journal)


def sizes(settings: Settings) -> int:
    """Bytes of all that lies in the spool's files."""
    assert settings.spool
    return sum(path.stat().st_size for path in settings.spool.glob("*/*.frames"))


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_what_waits_is_measured(
    settings: Settings, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(ages, "time", lambda: now)
    journal = Journal.open(settings, RESOURCE)
    measured(reader, journal)
    assert exported(reader) == {"size": 0, "records": 0, "oldest_age": 0, "dropped": 0, "refused": 0}
    for _ in range(3):
        now += 10
        put(journal, 1, size=100)
    now += 5
    expected = {"size": sizes(settings), "records": 3, "oldest_age": 25, "dropped": 0, "refused": 0}
    assert exported(reader) == expected
    ledger = journal._current()
    assert ledger
    assert expected["size"] > 300
    ledger.spool.settle(ledger.spool.oldest(2_000_000, 1)[-1])  # as if the Collector had taken one
    after = exported(reader)
    assert (after["records"], after["oldest_age"]) == (2, 15)
    assert after["size"] == pytest.approx(expected["size"] * 2 / 3, rel=0.01)
    ledger.spool.settle(ledger.spool.oldest(2_000_000, 2)[-1])
    assert exported(reader) == {"size": 0, "records": 0, "oldest_age": 0, "dropped": 0, "refused": 0}
    now += 1_000
    put(journal, 4)
    now += 2
    assert exported(reader)["oldest_age"] == 2, "not since before it was idle"
    journal.close(0)


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("when_full", [WhenFull.DROP_OLDEST, WhenFull.REFUSE])
def test_what_a_full_spool_lost_is_counted(
    settings: Settings, reader: InMemoryMetricReader, when_full: WhenFull
) -> None:
    journal = Journal.open(replace(settings, spool_bytes=65_536, spool_when_full=when_full), RESOURCE)
    measured(reader, journal)
    assert all(put(journal, *range(300), size=1_000))
    ((_, records),) = on_disk(settings).items()
    found = exported(reader)
    journal.close(0)
    gaps = [record for record in records if record["event"] == names.CHAIN_GAP]
    if when_full is WhenFull.REFUSE:
        assert found["dropped"] == 300 - len(records)
    else:
        places = [record["attributes"][names.CHAIN_SEQUENCE] for record in records]
        assert found["dropped"] == places[0] > 200
        assert gaps
    assert (found["records"], found["refused"]) == (len(records), 0)


@pytest.mark.complains  # that a record is set aside
def test_what_the_collector_does_not_take_is_counted(
    settings: Settings, receiver: Receiver, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("throughline.records.courier._PATIENCE", 1)

    def judge(records: list[Any]) -> grpc.StatusCode | None:
        odd = any(plain(record).get("number") == 2 for record in records)
        return grpc.StatusCode.INVALID_ARGUMENT if odd else None

    receiver.judge = judge
    journal = Journal.open(settings, RESOURCE)
    measured(reader, journal)
    put(journal, 1, 2, 3)
    until(lambda: exported(reader)["refused"])
    assert journal.flush(20)
    found = exported(reader)
    journal.close(5)
    assert found == {"size": 0, "records": 0, "oldest_age": 0, "dropped": 0, "refused": 1}


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_a_dead_processs_chain_counts_where_it_is_delivered(settings: Settings, reader: InMemoryMetricReader) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from instrumentation.records.chained import RESOURCE, put
        from throughline.records.journal import Journal
        from throughline.settings import Settings
        put(Journal.open(Settings(spool=Path(sys.argv[1])), RESOURCE), 1, 2)
        os._exit(0)
    """
    assert settings.spool
    ran(script, str(settings.spool))
    (file,) = settings.spool.glob("*/*.frames")
    an_hour_ago = time.time() - 3_600
    os.utime(file, (an_hour_ago, an_hour_ago))
    journal = Journal.open(settings, RESOURCE)
    measured(reader, journal)
    put(journal, 3)
    until(lambda: exported(reader)["records"] == 3)
    found = exported(reader)
    journal.close(0)
    assert found["records"] == 3
    assert 3_600 <= found["oldest_age"] < 3_700


@pytest.mark.usefixtures("nobody")
def test_a_forked_child_counts_its_own(tmp_path: Path) -> None:
    said = ran(
        """
        import os, sys
        from dataclasses import replace
        from pathlib import Path
        from instrumentation.records.chained import RESOURCE, put
        from instrumentation.records.test_measuring import exported, measured
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from throughline.records.journal import Journal
        from throughline.settings import Settings
        settings = Settings(spool=Path(sys.argv[1]), spool_bytes=65_536)
        journal, reader = Journal.open(settings, RESOURCE), InMemoryMetricReader()
        measured(reader, journal)
        put(journal, *range(200), size=1_000)
        assert exported(reader)["dropped"] > 0
        if not os.fork():
            reader = InMemoryMetricReader()
            measured(reader, journal)
            first = exported(reader)
            put(journal, 1)
            then = exported(reader)
            print(first["dropped"], first["records"], then["dropped"], then["records"], flush=True)
            os._exit(0)
        os.wait()
        os._exit(0)
        """,
        str(tmp_path / "spool"),
    )
    assert said.split() == ["0", "0", "0", "1"]


def ran(script: str, *arguments: str) -> str:
    """What a program that has these tests at hand says."""
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n{textwrap.dedent(script)}"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_none_without_a_spool_nor_after_it(tmp_path: Path, telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert exported(telemetry.metric_reader) == {}
    throughline.uninstrument()
    telemetry.instrument(spool=tmp_path / "spool")
    assert exported(telemetry.metric_reader).keys() == {"size", "records", "oldest_age", "dropped", "refused"}
    throughline.uninstrument()
    assert exported(telemetry.metric_reader) == {}
    telemetry.instrument(spool=tmp_path / "spool")
    assert exported(telemetry.metric_reader)["records"] == 0


def test_ages_take_little_memory_and_are_never_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(ages, "time", lambda: now)
    known, kept = Ages(), []
    for sequence in range(20_000):
        now += 0.37
        known.note(sequence)
        kept.append(now)
    assert len(known._times) <= 512
    for settled in range(-1, 19_999, 501):
        age = known.oldest(settled)
        assert age is not None
        exact = now - kept[settled + 1]
        assert exact <= age <= exact + 20_000 * 0.37 / 128
