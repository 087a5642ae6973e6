"""The spool: what is appended is on the disk, bounded, private, and there again after any end of its process."""

from __future__ import annotations

import itertools
import os
import resource
import stat
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from instrumentation.records.receiving import until
from throughline.records import left_over
from throughline.records.proof import GENESIS
from throughline.records.spool import Head, Spool, SpoolClosedError, SpoolFullError, WrongKeyError

CHAIN = "0123456789abcdef0123456789abcdef"
RESOURCE = {"service.name": "shop", "process.pid": 7}
KEY = bytes(range(32))


def created(root: Path, *, limit: int = 1_000_000, key: bytes | None = None, chain: str = CHAIN) -> Spool:
    return Spool.create(root, chain, RESOURCE, limit=limit, fsync=False, key=key)


def filled(spool: Spool, payloads: list[bytes], first: int = 0) -> Spool:
    for sequence, payload in enumerate(payloads, first):
        spool.append(head(sequence), payload)
    return spool


def head(sequence: int) -> Head:
    return Head(sequence, sequence.to_bytes(32, "big"))


def drained(spool: Spool, most_records: int = 512) -> list[tuple[int, bytes, bytes]]:
    """All that waits, settled batch by batch."""
    found = []
    while records := spool.oldest(2_000_000, most_records):
        found += [(record.frame.sequence, record.frame.digest, spool.payload(record)) for record in records]
        spool.settle(records[-1])
    return found


def taken_over(folder: Path, key: bytes | None = None) -> Spool:
    spool = Spool.take_over(folder, key)
    assert spool is not None
    return spool


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    payloads = [b"", b"{}", os.urandom(3_000), b"x" * 200_000, b"last"]
    spool = filled(created(tmp_path), payloads)
    assert spool.waiting_bytes > sum(map(len, payloads))
    assert drained(spool) == [(at, bytes(head(at).digest), payload) for at, payload in enumerate(payloads)]
    assert spool.waiting_bytes == 0
    assert spool.head == head(4)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_later_process_finds_what_waits_and_what_it_belongs_to(tmp_path: Path, key: bytes | None) -> None:
    spool = filled(created(tmp_path, key=key), [b"one", b"two", b"three"])
    spool.settle(spool.oldest(1_000, 1)[0], time=17)
    spool.close()
    later = taken_over(tmp_path / CHAIN, key)
    assert (later.chain_id, later.resource, later.head) == (CHAIN, RESOURCE, head(2))
    assert later.settled_time == 17
    assert [payload for _, _, payload in drained(later)] == [b"two", b"three"]
    later.close()
    assert list(tmp_path.iterdir()) == []


def test_everything_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = filled(created(tmp_path / "root"), [b"one"])
        spool.add_statement({"sequence": 0, "kind": "interval"})
    finally:
        os.umask(before)
    found = [spool.folder.parent, spool.folder, *spool.folder.rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
    folders = {"root", CHAIN, "statements"}
    assert folders < modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode != (0o700 if name in folders else 0o600)} == {}


def test_the_head_outlives_what_it_was_of(tmp_path: Path) -> None:
    spool = filled(created(tmp_path, limit=16_000), [b"x" * 4_050] * 3)
    drained(spool)
    assert sum(path.stat().st_size for path in spool.folder.glob("*.frames")) == 0
    spool.add_statement({"sequence": 2, "kind": "interval"})  # keeps the folder
    spool.close()
    later = taken_over(tmp_path / CHAIN)
    assert later.head == head(2)
    assert created(tmp_path, chain="f" * 32).head == Head(-1, GENESIS)


@pytest.mark.parametrize("size", [10, 30_000, 200_000])
def test_nothing_of_what_is_delivered_lies_about(tmp_path: Path, size: int) -> None:
    spool = filled(created(tmp_path, limit=1_000_000), [b"said" * (size // 4)] * 3)
    drained(spool)
    assert not [path for path in spool.folder.rglob("*") if path.is_file() and b"said" in path.read_bytes()]
    spool.append(head(3), b"next")
    spool.close()
    later = taken_over(tmp_path / CHAIN)
    assert [later.payload(record) for record in later.oldest(100, 10)] == [b"next"]


# --- full ---------------------------------------------------------------------------------------------------------


def test_a_full_spool_refuses_and_is_as_before(tmp_path: Path) -> None:
    spool = created(tmp_path, limit=20_000)
    with pytest.raises(SpoolFullError):
        filled(spool, [b"x" * 1_000] * 100)
    taken = spool.waiting_bytes
    assert 18_000 < taken <= 20_000
    with pytest.raises(SpoolFullError):
        spool.append(head(99), b"y" * 2_000)
    assert spool.waiting_bytes == taken == sum(path.stat().st_size for path in spool.folder.glob("*.frames"))
    assert [sequence for sequence, _, _ in drained(spool)] == list(range(spool.head.sequence + 1))


def test_dropping_says_what_and_makes_room(tmp_path: Path) -> None:
    spool = created(tmp_path, limit=20_000)
    with pytest.raises(SpoolFullError):
        filled(spool, [b"x" * 1_000] * 100)
    newest = spool.head.sequence
    spool.settle(spool.oldest(2_500, 2)[-1])
    assert spool.drop_oldest() == (2, 2, head(1).digest)  # the first two are delivered, not dropped
    dropped = spool.drop_oldest()
    assert dropped is not None
    assert (dropped.first, dropped.previous) == (3, head(2).digest)
    filled(spool, [b"z"], newest + 1)
    assert [sequence for sequence, _, _ in drained(spool)] == list(range(dropped.last + 1, newest + 2))
    assert spool.drop_oldest() is None


def test_all_may_be_dropped_and_the_head_stays(tmp_path: Path) -> None:
    spool = filled(created(tmp_path), [b"one", b"two"])
    in_flight = spool.oldest(1_000, 9)
    assert spool.drop_oldest() == (0, 1, GENESIS)
    spool.settle(in_flight[-1])  # acknowledged after it was dropped
    assert (spool.waiting_bytes, spool.head) == (0, head(1))
    spool.append(head(2), b"three")
    spool.close()
    assert [sequence for sequence, _, _ in drained(taken_over(tmp_path / CHAIN))] == [2]


def test_waiting_for_space_ends_when_there_is_some(tmp_path: Path) -> None:
    spool = created(tmp_path, limit=10_000)
    spool.append(head(0), b"x" * 9_000)
    with pytest.raises(SpoolFullError):
        spool.append(head(1), b"y" * 5_000)
    assert not spool.wait_for_space(0.01)
    spool.settle(spool.oldest(1, 1)[0])
    assert spool.wait_for_space(0.01)
    spool.append(head(1), b"y" * 5_000)
    assert [sequence for sequence, _, _ in drained(spool)] == [1]


def test_a_record_larger_than_the_spool_is_refused_for_ever(tmp_path: Path) -> None:
    spool = created(tmp_path, limit=10_000)
    with pytest.raises(SpoolFullError):
        spool.append(head(0), b"x" * 10_000)
    assert spool.drop_oldest() is None
    spool.append(head(0), b"x")


def test_a_closed_spool_takes_nothing(tmp_path: Path) -> None:
    spool = created(tmp_path)
    spool.close()
    assert not spool.folder.exists()
    with pytest.raises(SpoolClosedError):
        spool.append(head(0), b"late")


# --- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [1, 30, 48, 60])
def test_a_torn_last_frame_is_cut(tmp_path: Path, torn: int) -> None:
    spool = filled(created(tmp_path), [b"one" * 20, b"two" * 20])
    spool.close()
    (file,) = spool.folder.glob("*.frames")
    whole = file.stat().st_size
    os.truncate(file, whole - torn)
    later = taken_over(spool.folder)
    assert later.head == head(0)
    assert [payload for _, _, payload in drained(later)] == [b"one" * 20]
    assert not (tmp_path / "refused").exists()


def test_what_is_damaged_rather_than_torn_is_kept_aside(tmp_path: Path) -> None:
    spool = filled(created(tmp_path), [b"one" * 20, b"two" * 20, b"three" * 20])
    spool.close()
    (file,) = spool.folder.glob("*.frames")
    read = bytearray(file.read_bytes())
    read[130] ^= 1  # in the second
    file.write_bytes(read)
    assert [sequence for sequence, _, _ in drained(taken_over(spool.folder))] == [0]
    (kept,) = (tmp_path / "refused").iterdir()
    assert kept.read_bytes() == bytes(read[108:])


def test_a_torn_cursor_settles_nothing(tmp_path: Path) -> None:
    spool = filled(created(tmp_path), [b"one", b"two"])
    spool.settle(spool.oldest(1_000, 1)[0])
    spool.close()
    os.truncate(spool.folder / "cursor", 20)
    assert [sequence for sequence, _, _ in drained(taken_over(spool.folder))] == [0, 1]


# --- at rest ------------------------------------------------------------------------------------------------------


def test_nothing_is_readable_at_rest_under_a_key(tmp_path: Path) -> None:
    spool = filled(created(tmp_path, key=KEY), [b"a secret of the customer's"] * 2)
    written = b"".join(path.read_bytes() for path in spool.folder.rglob("*") if path.is_file())
    assert b"secret" not in written
    assert KEY not in written
    assert [payload for _, _, payload in drained(spool)] == [b"a secret of the customer's"] * 2


@pytest.mark.parametrize("other", [None, bytes(32)])
def test_another_key_opens_nothing_and_changes_nothing(tmp_path: Path, other: bytes | None) -> None:
    spool = filled(created(tmp_path, key=KEY), [b"one"])
    spool.close()
    before = {path: path.read_bytes() for path in spool.folder.rglob("*") if path.is_file()}
    with pytest.raises(WrongKeyError, match=r"was written under key [0-9a-f]{16}"):
        Spool.take_over(spool.folder, other)
    assert {path: path.read_bytes() for path in spool.folder.rglob("*") if path.is_file()} == before
    assert [payload for _, _, payload in drained(taken_over(spool.folder, KEY))] == [b"one"]


def test_a_spool_without_a_key_is_read_by_who_has_one(tmp_path: Path) -> None:
    filled(created(tmp_path), [b"one"]).close()
    assert [payload for _, _, payload in drained(taken_over(tmp_path / CHAIN, KEY))] == [b"one"]


def test_what_somebody_removed_or_spoilt_holds_up_nothing(tmp_path: Path) -> None:
    spool = filled(created(tmp_path, limit=64_000), [b"x" * 4_000] * 3)
    removed, spoilt, _ = sorted(spool.folder.glob("*.frames"))
    removed.unlink()
    spoilt.write_bytes(b"?" * 4_048)
    assert [sequence for sequence, _, _ in drained(spool)] == [2]
    assert b"?" * 4_048 in [path.read_bytes() for path in (tmp_path / "refused").iterdir()]


# --- the disk, other threads, other processes -----------------------------------------------------------------------


def in_child(work: Callable[[], None]) -> int:
    """What a forked child, which ends without pytest's own end, ended with after this."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_the_disk_takes_in_part_is_taken_back(tmp_path: Path) -> None:
    def fill_the_disk() -> None:
        spool = filled(created(tmp_path), [b"x" * 1_000] * 3)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))  # no file may become larger
        (file,) = spool.folder.glob("*.frames")
        before = file.read_bytes()
        with pytest.raises(OSError, match="File too large"):
            spool.append(head(3), b"y" * 2_000)
        assert file.read_bytes() == before
        assert spool.head == head(2)
        filled(spool, [b"z" * 100], 3)
        assert [payload[:1] for _, _, payload in drained(spool)] == [b"x", b"x", b"x", b"z"]

    assert in_child(fill_the_disk) == 0


def test_a_folder_that_may_not_be_written_to_is_the_callers_to_know(tmp_path: Path) -> None:
    def be_refused() -> None:
        if os.getuid() == 0:
            os.setuid(65_534)
        with pytest.raises(PermissionError):
            created(tmp_path / "closed")

    (tmp_path / "closed").mkdir(mode=0o500)
    tmp_path.parent.chmod(0o755)
    assert in_child(be_refused) == 0
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        created(tmp_path / "file")


def test_an_append_that_fails_for_good_leaves_what_was_there(tmp_path: Path) -> None:
    spool = filled(created(tmp_path, limit=64_000), [b"x" * 4_000])
    spool.folder.rename(tmp_path / "elsewhere")  # the next file cannot be made
    with pytest.raises(FileNotFoundError):
        spool.append(head(1), b"y" * 4_000)
    (tmp_path / "elsewhere").rename(spool.folder)
    spool.append(head(1), b"z" * 4_000)
    assert [payload[:1] for _, _, payload in drained(spool)] == [b"x", b"z"]


def test_a_forked_child_writes_nothing_into_its_parents(tmp_path: Path) -> None:
    spool = filled(created(tmp_path), [b"one"])

    def append_too() -> None:
        with pytest.raises(SpoolClosedError):
            spool.append(head(1), b"the child's")
        spool.close()
        assert spool.drop_oldest() is None
        assert Spool.take_over(spool.folder, None) is None  # the parent lives

    assert in_child(append_too) == 0
    filled(spool, [b"two"], 1)
    assert [payload for _, _, payload in drained(spool)] == [b"one", b"two"]


def test_a_child_that_outlives_its_parent_does_not_keep_the_parents_folder(tmp_path: Path) -> None:
    def leave_a_child_behind() -> None:
        filled(created(tmp_path), [b"one"])
        if not os.fork():
            os.close(end)
            os.read(until_the_end, 1)
            os._exit(0)

    until_the_end, end = os.pipe()
    assert in_child(leave_a_child_behind) == 0
    taken: list[Spool] = []

    def take() -> bool:  # once the child has got round to closing what it shares
        taken.extend(filter(None, [Spool.take_over(tmp_path / CHAIN, None)]))
        return bool(taken)

    until(take)
    assert [payload for _, _, payload in drained(taken[0])] == [b"one"]
    os.close(end)
    os.close(until_the_end)


def test_one_of_many_takes_a_dead_process_s_chain_over(tmp_path: Path) -> None:
    for number in range(20):
        filled(created(tmp_path, chain=f"{number:032x}"), [b"one"]).close()
    folders = sorted(tmp_path.iterdir())
    with ThreadPoolExecutor(8) as pool:
        taken = [folder for spools in pool.map(lambda _: _all_of(folders), range(8)) for folder in spools]
    assert sorted(taken) == folders


def _all_of(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if (spool := Spool.take_over(folder, None)) and not _kept.append(spool)]


_kept: list[Spool] = []


def test_threads_append_and_settle_at_once(tmp_path: Path) -> None:
    spool, lock, counter = created(tmp_path, limit=100_000), threading.Lock(), itertools.count()

    def append() -> None:
        for _ in range(500):
            with lock:
                sequence = next(counter)
                while True:
                    try:
                        spool.append(head(sequence), b"x" * 300)
                        break
                    except SpoolFullError:
                        assert spool.wait_for_space(10)

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    found: list[int] = []
    while len(found) < 2_000:
        found += [sequence for sequence, _, _ in drained(spool, 64)]
    for thread in threads:
        thread.join()
    assert found == list(range(2_000))


def test_what_died_while_it_was_made_or_removed_is_cleared_away(tmp_path: Path) -> None:
    for name in ("new-" + "a" * 32, "gone-" + "b" * 32, "new-" + "c" * 32):
        (tmp_path / name).mkdir()
    for name in ("a" * 32, "c" * 32):
        (tmp_path / f"new-{name}" / "lock").touch()
    os.utime(tmp_path / ("new-" + "a" * 32), (0, 0))
    living = filled(created(tmp_path), [b"one"])
    left_over.clear(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"new-" + "c" * 32, CHAIN}
    assert living.waiting_bytes


def test_too_many_statements_make_the_oldest_go(tmp_path: Path) -> None:
    spool = created(tmp_path)
    spool.add_statement({"sequence": -1, "kind": "opened"})
    for sequence in range(1_200):
        spool.add_statement({"sequence": sequence, "kind": "interval"})
    names = spool.statements_to("send")
    assert len(names) == 1_000
    assert (names[0], names[1], names[-1]) == (
        "000000000000-opened.json",
        "000000000202-interval.json",
        "000000001200-interval.json",
    )
