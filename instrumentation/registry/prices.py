"""Writes throughline/prices.json and NOTICE from the installed genai-prices; with --check only compares."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import distribution
from itertools import groupby, product
from pathlib import Path
from typing import Any, TypeAlias

from genai_prices import types
from genai_prices.data import providers
from genai_prices.data_units import unit_data
from throughline.prices import Matcher, Row, matcher, with_dashes

FOLDER = Path(__file__).parents[1]
TABLE, NOTICE = FOLDER / "src" / "throughline" / "prices.json", FOLDER / "NOTICE"
COLUMNS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "output_reasoning_mtok",
    "requests_kcount",
)
UNITS = {unit["price_key"]: unit["dimensions"] for unit in unit_data.values()}
TRANSCRIBES = "transcribe"  # in the name of models whose input is sound, though the list gives a price for text as well
UNKNOWN: list[Any] = []
Ruled: TypeAlias = tuple[str, Matcher, Any]


def rules(clause: Any) -> Iterator[str]:
    """A clause as rules of which any must hold, in the form that `throughline.prices.matcher` reads."""
    match clause:
        case types.ClauseEquals(equals=text):
            yield plain(text)
        case types.ClauseStartsWith(starts_with=text):
            yield f"{plain(text)}*"
        case types.ClauseEndsWith(ends_with=text):
            yield f"*{plain(text)}"
        case types.ClauseContains(contains=text):
            yield f"*{plain(text)}*"
        case types.ClauseRegex(regex=text) if text.startswith("^"):
            yield free(text, " &")
        case types.ClauseOr(or_=clauses):
            for each in clauses:
                yield from rules(each)
        case types.ClauseAnd(and_=clauses):
            yield from map("&".join, product(*map(rules, clauses)))
        case _:
            raise TypeError(f"a clause of a new kind: {clause}")


def plain(text: str) -> str:
    return free(text.lower(), " &*^")


def free(text: str, reserved: str) -> str:
    if set(text) & set(reserved):
        raise ValueError(f"{text} has a character that rules use themselves")
    return text


def price(model: types.ModelInfo) -> Any:
    """A row, or rows with their conditions in the order in which they count, or UNKNOWN."""
    conditional = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    if any(unclear(model.id, vars(each.prices)) for each in conditional):
        return UNKNOWN
    unconditional = types.ConditionalPrice(prices=conditional[0].prices)
    cases = [case for each in (*reversed(conditional), unconditional) for case in sizes(each)]
    first_certain = next(index for index, case in enumerate(cases) if len(case) == 1)
    cases = cases[: first_certain + 1]
    return cases[0][0] if len(cases) == 1 else cases


def unclear(model: str, prices: dict[str, Any]) -> bool:
    """Whether token counts do not tell what a call costs: nothing is priced, or also what is no text or no token."""
    own = {key: value for key, value in prices.items() if value is not None}
    for key in own.keys() - {*COLUMNS}:
        unit = UNITS[key]
        if unit["family"] == "tokens" and unit["direction"] == "input":
            if "modality" in unit and TRANSCRIBES in model:
                return True
        elif unit["family"] != "tool_calls":
            return True
    return "input_mtok" not in own


def sizes(conditional: types.ConditionalPrice) -> Iterator[list[Any]]:
    """One case for each size of the input that has its own prices, the largest first."""
    tiered = [each for each in vars(conditional.prices).values() if isinstance(each, types.TieredPrices)]
    starts = sorted({tier.start for each in tiered for tier in each.tiers}, reverse=True)
    for above in (*starts, -1):
        case = [row(conditional.prices, above), above, *condition(conditional.constraint)]
        yield case if len(case) > 2 or above >= 0 else case[:1]


def row(prices: types.ModelPrice, above: int) -> Row:
    """The prices for an input of more than `above` tokens, shortened by what the list leaves out at the end."""
    cells = [number(getattr(prices, key), above) for key in COLUMNS]
    if cells[-1] is not None:  # of a thousand requests
        cells[-1] /= 1000
    return cells[: 1 + max(index for index, cell in enumerate(cells) if cell is not None)]


def number(value: Decimal | types.TieredPrices | None, above: int) -> float | None:
    if isinstance(value, types.TieredPrices):
        value = next((tier.price for tier in reversed(value.tiers) if tier.start <= above), value.base)
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def condition(constraint: Any) -> list[Any]:
    match constraint:
        case None:
            return []
        case types.StartDateConstraint(start_date=day):
            return [int(datetime.combine(day, time(), UTC).timestamp())]
        case types.TimeOfDateConstraint(start_time=start, end_time=end):
            return [0, [seconds(start), seconds(end)]]
        case _:
            raise TypeError(f"a constraint of a new kind: {constraint}")


def seconds(moment: time) -> int:
    if moment.tzinfo not in (None, UTC) or moment.microsecond:
        raise ValueError(f"{moment} is no full second in UTC")
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def models(provider: types.Provider) -> dict[str, Any]:
    """Rules → price, in the order in which they are tried; neighbours of one price share an entry."""
    ruled = [(rule, matcher(rule), price(model)) for model in provider.models for rule in rules(model.match)]
    groups = groupby(needed(ruled, None if provider.fallback_model_providers else UNKNOWN), key=lambda each: each[2])
    entries = [(" ".join(rule for rule, *_ in group), cost) for cost, group in groups]
    if len(dict(entries)) < len(entries):
        raise ValueError(f"two entries of {provider.id} have the same rules")
    return dict(entries)


def needed(ruled: list[Ruled], nothing: Any) -> list[Ruled]:
    """Without the exact names that cost the same with no rule of their own; `nothing` is what it means to have none."""
    kept = ruled
    for rule in ruled:
        name = rule[0]
        fewer = [each for each in kept if each is not rule]
        exact = not set("*&^") & set(name) and with_dashes(name) == name
        if exact and told(name, kept, nothing) == told(name, fewer, nothing):
            kept = fewer
    return kept


def told(name: str, ruled: list[Ruled], nothing: Any) -> Any:
    return next((cost for _, matches, cost in ruled if matches(name)), nothing)


def table(source: str) -> str:
    """The text of prices.json: one entry a line, so that one changed price shows as one."""
    sold = lines((each.id, seller(each)) for each in providers)
    return lines([("version", packed(source)), ("currency", packed("USD")), ("providers", sold)]) + "\n"


def seller(provider: types.Provider) -> str:
    others = provider.fallback_model_providers
    fallback = [("fallback", packed(others))] if others else []
    offered = lines((names, packed(cost)) for names, cost in models(provider).items())
    return lines([("api", packed(provider.api_pattern)), *fallback, ("models", offered)])


def lines(entries: Iterable[tuple[str, str]]) -> str:
    return "{\n" + ",\n".join(f"{packed(key)}:{value}" for key, value in entries) + "\n}"


def packed(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def notice(source: str, licence: str) -> str:
    return f"throughline/prices.json is derived from the price list of {source}, which has this licence:\n\n{licence}"


def generated() -> dict[Path, str]:
    package = distribution("genai-prices")
    source = f"genai-prices {package.version}"
    licence = next(file for file in package.files or () if file.name == "LICENSE").read_text()
    return {TABLE: table(source), NOTICE: notice(source, licence)}


def main() -> int:
    """Write both files, or with --check return 1 when one is not what the installed package says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit code 1 on a difference")
    check = parser.parse_args().check
    for path, text in generated().items():
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            sys.stderr.write(f"{path.name} differs from the installed genai-prices: run `make prices`\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
