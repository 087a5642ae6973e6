"""A trace drawn as bars: each step's place in time, its duration, model, tokens, cost and error. Reads no store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table
from throughline import names
from throughline.store.traces import Step

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta")


def render(steps: Sequence[Step], width: int = 100) -> Table:
    """The steps as a table of rows in the order of the tree, `width` columns wide in all."""
    table = Table(box=None, pad_edge=False, width=width, header_style="dim")
    table.add_column("step", no_wrap=True, ratio=5)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=max(16, width * 3 // 10))
    table.add_column("", no_wrap=True, ratio=4, overflow="ellipsis")
    if not steps:
        return table
    begin, end = min(step.start for step in steps), max(step.start + step.duration for step in steps)
    services = sorted({step.service for step in steps})
    for depth, step in in_order(steps):
        colour = "red" if step.error else _COLOURS[services.index(step.service) % len(_COLOURS)]
        label = f"{'  ' * depth}[{colour}]{escape(step.service)}[/] {escape(short(step.name))}"
        bar = bar_of(step.start - begin, step.duration, end - begin, max(16, width * 3 // 10))
        table.add_row(label, f"{step.duration * 1000:,.0f}", f"[{colour}]{bar}[/]", facts(step))
    return table


def in_order(steps: Sequence[Step]) -> Iterator[tuple[int, Step]]:
    """(depth, step), parents before their children, siblings by their start."""
    known = {step.span_id for step in steps}
    children: dict[str | None, list[Step]] = {}
    for step in sorted(steps, key=lambda step: step.start):
        children.setdefault(step.parent_id if step.parent_id in known else None, []).append(step)
    waiting = [(0, step) for step in reversed(children.get(None, []))]
    while waiting:
        depth, step = waiting.pop()
        yield depth, step
        waiting += [(depth + 1, child) for child in reversed(children.get(step.span_id, []))]


def bar_of(offset: float, duration: float, whole: float, width: int) -> str:
    """A bar in eighths of a column; at least one eighth, so that no step is invisible."""
    if whole <= 0:
        return _EIGHTHS[8] * width
    first = min(int(offset / whole * width), width - 1)
    eighths = max(1, round(duration / whole * width * 8))
    full, rest = divmod(min(eighths, (width - first) * 8), 8)
    return " " * first + _EIGHTHS[8] * full + (_EIGHTHS[rest] if rest else "")


def short(name: str) -> str:
    """A gRPC method without its package."""
    package, _, method = name.lstrip("/").rpartition("/")
    return f"{package.rpartition('.')[2]}/{method}" if name.startswith("/") and package else name


def facts(step: Step) -> str:
    """What one wants to know of a step at a glance, as markup."""
    found: list[str] = []
    if step.error:
        found.append(f"[red]{escape(step.error)}[/]")
    read = step.attributes.get
    if (tokens := read(names.USAGE_INPUT_TOKENS)) is not None:
        found.append(f"{tokens}→{read(names.USAGE_OUTPUT_TOKENS, '?')} tokens")
    if (first := read(names.RESPONSE_TIME_TO_FIRST_CHUNK)) is not None:
        found.append(f"first chunk {float(first) * 1000:,.0f} ms")
    if attempts := read(names.ATTEMPT_COUNT):
        found.append(f"[yellow]{attempts} attempts[/]")
    if (cost := read(names.COST_AMOUNT)) is not None:
        found.append(f"{float(cost):.4f} {escape(str(read(names.COST_CURRENCY, '')))}")
    if masked := read(names.MASK_COUNT):
        found.append(f"{masked} masked")
    return " · ".join([*found, *_status(read(names.HTTP_RESPONSE_STATUS_CODE))])


def _status(code: Any) -> list[str]:
    return [f"HTTP {code}"] if code else []
