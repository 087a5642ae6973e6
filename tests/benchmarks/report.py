"""The tables of the benchmark, for a terminal and for the README. Computes ratios, measures nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

Row = dict[str, Any]
Key = tuple[str, bool]


@dataclass
class Run:
    """What one process measured: one tracer, with content or without, with records or without."""

    title: str
    content: bool
    records: bool
    rows: dict[Key, Row] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.rows[row["row"], row["async"]] = row

    def as_json(self) -> Any:
        return {
            "tracer": self.title,
            "content": self.content,
            "records": self.records,
            "rows": list(self.rows.values()),
        }

    @property
    def heading(self) -> str:
        return f"{self.title} + records" if self.records else self.title

    def cell(self, key: Key) -> str:
        """CPU added in microseconds, and as a multiple of floor0 and floor1 in the same process."""
        row = self.rows.get(key)
        if row is None:
            return ""
        if not row["spans"]:
            return "no span"
        per_chunk = f" {row['tracer'] / row['floor1+']:.2f}" if "floor1+" in row else ""
        ratios = f"{row['tracer'] / row['floor0']:.2f} {row['tracer'] / row['floor1']:.2f}{per_chunk}"
        return f"{row['tracer']:,.0f} ({ratios})"


def _grid(runs: list[Run]) -> tuple[list[str], list[list[str]]]:
    keys = list(dict.fromkeys(key for run in runs for key in run.rows))
    heading = ["call", "base", "floor0", "floor1", "floor1+", *(run.heading for run in runs)]
    body = []
    for key in keys:
        plain = [_over_runs(runs, key, name) for name in ("base", "floor0", "floor1", "floor1+")]
        body.append([f"{key[0]}{', async' if key[1] else ''}", *plain, *(run.cell(key) for run in runs)])
    return heading, body


def _over_runs(runs: list[Run], key: Key, name: str) -> str:
    values = [run.rows[key][name] for run in runs if key in run.rows and name in run.rows[key]]
    return f"{median(values):,.0f}" if values else ""


def _by_content(runs: list[Run]) -> list[tuple[str, list[Run]]]:
    both = (("Content off", [r for r in runs if not r.content]), ("Content on", [r for r in runs if r.content]))
    return [(title, some) for title, some in both if some]


def tables(runs: list[Run]) -> list[Table]:
    """One table without and one with content."""
    made = []
    for title, some in _by_content(runs):
        heading, body = _grid(some)
        table = Table(title=f"{title}: µs of CPU added per call (times floor0, floor1, floor1+)")
        for number, name in enumerate(heading):
            table.add_column(name, justify="right" if number else "left", no_wrap=not number)
        for cells in body:
            table.add_row(*cells)
        made.append(table)
    return made


def markdown(runs: list[Run]) -> str:
    """The same tables for the README."""
    parts = []
    for title, some in _by_content(runs):
        heading, body = _grid(some)
        lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *body]
        parts.append(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)
