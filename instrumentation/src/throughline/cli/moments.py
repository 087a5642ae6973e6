"""Reads points in time as people write them on a command line: an age such as 15m, a date, a time of today."""

import re
from datetime import UTC, datetime, time, timedelta

from throughline.cli.failures import bad_input

_AGE = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
ACCEPTED = "an age (90s, 15m, 2h, 3d, 1w), a date (2026-11-23), a time (2026-11-23T10:30, 10:30 of today) or now"


def read_moment(written: str | None, option: str, *, now: datetime | None = None) -> str | None:
    """The moment as ISO 8601 in UTC; what has no zone is local time."""
    if written is None:
        return None
    now = now or datetime.now().astimezone()
    try:
        return _moment(written.strip(), now).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise bad_input(f"{option} is {written!r}, which is no point in time", f"write {ACCEPTED}") from None


def read_period(since: str | None, until: str | None) -> tuple[str | None, str | None]:
    """Both ends of a period; the first must not be behind the last."""
    first, last = read_moment(since, "--since"), read_moment(until, "--until")
    if first and last and first > last:
        raise bad_input(f"--since {since} is later than --until {until}", "exchange the two")
    return first, last


def _moment(written: str, now: datetime) -> datetime:
    if written.lower() == "now":
        return now
    if age := _AGE.fullmatch(written.lower()):
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", written):
        return datetime.combine(now.date(), time.fromisoformat(written.zfill(5)), now.tzinfo)
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
