"""A trace drawn as bars: each step's place in time, its duration, model, tokens, cost and error. Reads no store."""

from collections.abc import Iterator, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from throughline import names
from throughline.cli import wording
from throughline.store.traces import Step

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta")
_NARROW = 100


def render(steps: Sequence[Step], width: int = 100) -> Table:
    """The steps as a table of rows in the order of the tree, `width` columns wide in all.

    In a narrow one what is known of a step stands below it, else beside its bar.
    """
    narrow = width < _NARROW
    bars = max(12, width * (35 if narrow else 30) // 100)
    table = Table(box=None, pad_edge=False, width=width, header_style="dim")
    table.add_column("step", no_wrap=not narrow, ratio=5, overflow="ellipsis")
    table.add_column("took", justify="right", no_wrap=True, min_width=7)
    table.add_column("", no_wrap=True, width=bars)
    if not narrow:
        table.add_column("", no_wrap=True, ratio=4, overflow="ellipsis")
    for label, took, bar, known in _rows(steps, bars):
        if not narrow:
            table.add_row(label, took, bar, known)
            continue
        table.add_row(label, took, bar)
        if known:
            indent = len(label.plain) - len(label.plain.lstrip()) + 2
            table.add_row(Padding(known, (0, 0, 0, indent)), "", "")
    return table


def _rows(steps: Sequence[Step], bars: int) -> Iterator[tuple[Text, str, Text, Text]]:
    if not steps:
        return
    begin, end = min(step.start for step in steps), max(step.start + step.duration for step in steps)
    services = sorted({step.service for step in steps})
    for depth, step in in_order(steps):
        colour = "red" if step.error else _COLOURS[services.index(step.service) % len(_COLOURS)]
        service, name = wording.printable(step.service), wording.printable(short(step.name))
        label = Text.assemble("  " * depth, (service, colour), " ", name, no_wrap=True, overflow="ellipsis")
        bar = Text(bar_of(step.start - begin, step.duration, end - begin, bars), colour)
        yield label, wording.duration(step.duration), bar, facts(step)


def in_order(steps: Sequence[Step]) -> Iterator[tuple[int, Step]]:
    """(depth, step), parents before their children, siblings by their start; a step without a known parent is a root.

    Steps that are their own ancestors, which only a broken sender makes, come last as roots: nothing is left out.
    """
    known = {step.span_id for step in steps}
    children: dict[str | None, list[Step]] = {}
    for step in sorted(steps, key=lambda step: step.start):
        children.setdefault(step.parent_id if step.parent_id in known else None, []).append(step)
    seen: set[int] = set()
    for root in (*children.get(None, ()), *sorted(steps, key=lambda step: step.start)):
        waiting = [(0, root)]
        while waiting:
            depth, step = waiting.pop()
            if id(step) in seen:
                continue
            seen.add(id(step))
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


def facts(step: Step) -> Text:
    """What one wants to know of a step at a glance."""
    read = step.attributes.get
    found: list[Text] = []
    if step.error:
        found.append(Text(wording.printable(step.error), "red"))
    if (model := read(names.RESPONSE_MODEL) or read(names.REQUEST_MODEL)) and str(model) not in step.name:
        found.append(Text(wording.printable(str(model))))
    if tokens := wording.tokens(step.attributes):
        found.append(Text(f"{tokens} tokens"))
    if (first := read(names.RESPONSE_TIME_TO_FIRST_CHUNK)) is not None:
        found.append(Text(f"first chunk {wording.duration(float(first))}"))
    if (amount := read(names.COST_AMOUNT)) is not None:
        found.append(Text(wording.cost(float(amount), str(read(names.COST_CURRENCY, "")))))
    if attempts := read(names.ATTEMPT_COUNT):
        found.append(Text(f"{attempts} attempts{_failures(step)}", "yellow"))
    if masked := read(names.MASK_COUNT):
        found.append(Text(f"{masked} masked"))
    if code := read(names.HTTP_RESPONSE_STATUS_CODE):
        found.append(Text(f"HTTP {code}"))
    return Text(" · ").join(found)


def _failures(step: Step) -> str:
    """Why there was more than one attempt, where the store has the events: ` (429, 429)`."""
    reasons = [
        str(event.get(names.HTTP_RESPONSE_STATUS_CODE) or event.get(names.ERROR_TYPE))
        for event in step.events
        if event.get("event") == names.ATTEMPT
    ]
    return f" ({wording.printable(', '.join(reasons))})" if reasons else ""
