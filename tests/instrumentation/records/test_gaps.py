"""What was dropped is told until nobody can have missed it, and neighbours are told as one."""

from __future__ import annotations

from throughline import names
from throughline.records.gaps import Gaps


def told(gaps: Gaps, at: int) -> list[tuple[int, int | None, int | None]]:
    """What is to be said, said now from this place on."""
    unsaid = gaps.unsaid()
    for place, gap in enumerate(unsaid, at):
        gap.said_at = place
    return [(gap.count, gap.first, gap.last) for gap in unsaid]


def test_what_was_dropped_is_told_once() -> None:
    gaps = Gaps()
    gaps.dropped(0, 9)
    assert told(gaps, 100) == [(10, 0, 9)]
    assert told(gaps, 101) == []


def test_drops_that_follow_each_other_are_told_as_one() -> None:
    gaps = Gaps()
    gaps.dropped(0, 9)
    assert told(gaps, 100) == [(10, 0, 9)]
    gaps.dropped(10, 19)
    assert told(gaps, 101) == [(20, 0, 19)]
    gaps.dropped(20, 29)
    gaps.dropped(30, 39)
    assert told(gaps, 102) == [(40, 0, 39)]


def test_neighbours_told_as_one_keep_what_stood_before_the_first() -> None:
    gaps = Gaps()
    gaps.dropped(10, 19, b"\x09")
    gaps.dropped(20, 29, b"\x13")
    (gap,) = gaps.unsaid()
    assert gap.attributes() == {names.GAP_COUNT: 20, names.GAP_FROM: 10, names.GAP_TO: 29, names.GAP_PREVIOUS: "09"}


def test_what_was_told_by_a_dropped_record_is_told_again() -> None:
    gaps = Gaps()
    gaps.dropped(0, 9)
    told(gaps, 100)
    gaps.dropped(50, 120)  # 10 to 49 were delivered, and the record at 100 was not
    assert told(gaps, 130) == [(10, 0, 9), (71, 50, 120)]


def test_what_was_told_by_a_delivered_record_is_not_told_again() -> None:
    gaps = Gaps()
    gaps.dropped(0, 9)
    told(gaps, 100)
    gaps.dropped(150, 159)
    assert told(gaps, 200) == [(10, 150, 159)]
    assert len(gaps._known) == 1


def test_the_list_stays_short_however_long_it_goes_on() -> None:
    gaps, place = Gaps(), 0
    for number in range(1_000):
        gaps.dropped(number * 10, number * 10 + 9)
        place = number * 10 + 500
        told(gaps, place)
    assert len(gaps._known) == 1


def test_refused_records_are_counted_and_have_no_place() -> None:
    gaps = Gaps()
    for _ in range(3):
        gaps.refused()
    (gap,) = gaps.unsaid()
    assert gap.attributes() == {names.GAP_COUNT: 3}
    gap.said_at = 7
    gaps.refused()
    assert told(gaps, 8) == [(1, None, None)]
    gaps.dropped(5, 9)
    assert told(gaps, 20) == [(3, None, None), (1, None, None), (5, 5, 9)]
