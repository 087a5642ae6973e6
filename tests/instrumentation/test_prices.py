"""A cost is what genai-prices computes from the same counts, or there is none; genai-prices itself is the oracle."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from throughline import names, prices
from throughline.prices import Cost, Prices

PRICES = Prices.load(None)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COUNTS = {"input_tokens": 1000, "output_tokens": 500, "cache_read_tokens": 300, "cache_creation_tokens": 200,
          "reasoning_tokens": 150}  # fmt: skip
ORACLE = {"cache_creation_tokens": "cache_write_tokens", "reasoning_tokens": "output_reasoning_tokens"}
TEXT = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok",
        "output_reasoning_mtok", "requests_kcount", "web_searches_kcount", "storage_searches_kcount"}  # fmt: skip
ALSO_HEARD = {f"{kind}_mtok" for medium in ("audio", "image", "video")
              for kind in (f"input_{medium}", f"cache_{medium}_read")}  # fmt: skip


def cost(
    provider: str | None, model: str | None, at: datetime = NOW, address: str | None = None, **counts: Any
) -> Cost | None:
    return PRICES.cost(provider, model, at=at.timestamp(), address=address, **(COUNTS | counts))


@cache
def snapshot() -> DataSnapshot:
    return get_snapshot()


def found(provider: str, model: str) -> types.ModelInfo | None:
    """The model as genai-prices finds it."""
    try:
        return snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None


def expected(provider: str, model: str, at: datetime = NOW, **counts: int) -> float:
    usage = genai_prices.Usage(**{ORACLE.get(key, key): value for key, value in (COUNTS | counts).items()})
    calculation = snapshot().calc(usage, model, provider, None, at)
    return float(calculation.total_price)


def conditions(model: types.ModelInfo) -> list[types.ConditionalPrice]:
    return model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]


def told_by_counts(model: types.ModelInfo) -> bool:
    """Whether tokens are all that a call of the model is charged by, in every period."""
    for each in conditions(model):
        priced = {key for key, value in vars(each.prices).items() if value is not None}
        allowed = TEXT if "transcribe" in model.id else TEXT | ALSO_HEARD
        if "input_mtok" not in priced or not priced <= allowed:
            return False
    return True


def moments(model: types.ModelInfo) -> Iterator[datetime]:
    """One long ago, now, and around each date and time of day at which the price changes."""
    yield from (datetime(2020, 1, 1, tzinfo=UTC), NOW)
    for each in conditions(model):
        match each.constraint:
            case types.StartDateConstraint(start_date=day):
                changes = [datetime(day.year, day.month, day.day, tzinfo=UTC)]
            case types.TimeOfDateConstraint(start_time=start, end_time=end):
                changes = [datetime.combine(NOW.date(), moment) for moment in (start, end)]
            case _:
                changes = []
        yield from (change + timedelta(seconds=shift) for change in changes for shift in (-0.5, 0))


def sizes(model: types.ModelInfo) -> set[int]:
    tiered = [p for each in conditions(model) for p in vars(each.prices).values() if isinstance(p, types.TieredPrices)]
    return {1000} | {tier.start + more for each in tiered for tier in each.tiers for more in (0, 1)}


def spellings(clause: Any) -> Iterator[str]:
    """Names that a clause is about, and some that it is just not about."""
    match clause:
        case types.ClauseOr(or_=clauses) | types.ClauseAnd(and_=clauses):
            for each in clauses:
                yield from spellings(each)
        case types.ClauseRegex(regex=text):
            digits = text.replace(r"\d{8}", "20260401").replace(r"\d{4}-\d{2}-\d{2}", "2026-04-01").strip("^$")
            yield from (digits, digits.replace("\\", ""))
        case _:
            text = next(iter(vars(clause).values()))
            yield from (text, f"{text}-x", f"x-{text}", f"x-{text}-x", text.upper(), f"{text}-20250805")
            yield re.sub(r"(20\d\d)-(\d\d)-(\d\d)", r"\1\2\3", text)


def every_name() -> Iterator[tuple[str, str]]:
    """(provider, model) for every spelling, and at those who sell others' models for the others' as well."""
    providers = {each.id: each for each in snapshot().providers}
    for provider in providers.values():
        for seller in (provider, *(providers[other] for other in provider.fallback_model_providers or ())):
            for model in seller.models:
                spelled = {model.id, *spellings(model.match)}
                yield from ((provider.id, name) for name in sorted(spelled) if len(name) <= 512)


def test_every_name_costs_what_genai_prices_says() -> None:
    priced = 0
    for provider, name in every_name():
        model, own = found(provider, name), cost(provider, name)
        if model is None or not told_by_counts(model):
            assert own is None, (provider, name)
        else:
            assert own is not None, (provider, name)
            assert math.isclose(own.amount, expected(provider, name), rel_tol=1e-9), (provider, name)
            priced += 1
    assert priced > 5_000


@cache
def every_priced() -> list[tuple[str, types.ModelInfo]]:
    return [
        (provider.id, model)
        for provider in snapshot().providers
        for model in provider.models
        if found(provider.id, model.id) is model and told_by_counts(model)
    ]


def test_every_model_costs_what_genai_prices_says_at_any_time_and_size() -> None:
    for provider, model in every_priced():
        for at, size in product(moments(model), sizes(model)):
            own = cost(provider, model.id, at, input_tokens=size)
            wanted = expected(provider, model.id, at, input_tokens=size)
            assert own is not None
            assert math.isclose(own.amount, wanted, rel_tol=1e-9), (provider, model.id, at, size)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_counts_cost_what_genai_prices_says(data: st.DataObject) -> None:
    provider, known = data.draw(st.sampled_from(every_priced()))
    model = known.id
    count = st.integers(0, 400_000)
    read, created, fresh, reasoning, visible = (data.draw(count) for _ in range(5))
    at = data.draw(st.datetimes(datetime(2023, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))
    counts = {"input_tokens": read + created + fresh, "output_tokens": reasoning + visible, "cache_read_tokens": read,
              "cache_creation_tokens": created, "reasoning_tokens": reasoning}  # fmt: skip
    own = cost(provider, model, at, **counts)
    assert own is not None
    assert math.isclose(own.amount, expected(provider, model, at, **counts), rel_tol=1e-9)
    assert math.isclose(own.amount, sum(own.parts.values()))


@given(st.integers(0, 86399), st.integers(0, 86399), st.floats(0, 4e9))
def test_a_time_of_day_is_one_as_in_genai_prices(start: int, end: int, at: float) -> None:
    """Over midnight as well, though no price of today's list is."""
    first, last = ((datetime.min + timedelta(seconds=second)).time() for second in (start, end))
    moment = datetime.fromtimestamp(at, UTC)
    case = prices._Case((), daily=(start, end))
    assert case.holds(1, moment.timestamp()) == types.TimeOfDateConstraint(first, last).active(moment)


@given(st.lists(st.sampled_from(["-", ":", "x", "20260229", "20260228", "20261301", "2026", "0131"])).map("".join))
def test_a_compact_date_is_read_as_genai_prices_reads_it(name: str) -> None:
    assert prices.with_dashes(name) == types._normalize_compact_dated_ref(name)


@pytest.mark.parametrize(
    ("provider", "other", "model"),
    [
        ("anthropic", "anthropic", "claude-sonnet-4-5-20250929"),
        ("aws.bedrock", "aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("azure.ai.inference", "azure", "gpt-4o"),
        ("azure.ai.openai", "azure", "gpt-4.1-nano"),
        ("cohere", "cohere", "command-r-plus"),
        ("deepseek", "deepseek", "deepseek-chat"),
        ("gcp.gemini", "google", "gemini-2.5-flash"),
        ("gcp.gen_ai", "google", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "google", "claude-sonnet-4-5@20250929"),
        ("groq", "groq", "llama-3.3-70b-versatile"),
        ("mistral_ai", "mistral", "mistral-large-latest"),
        ("moonshot_ai", "moonshotai", "kimi-k2-thinking"),
        ("openai", "openai", "gpt-4o"),
        ("perplexity", "perplexity", "sonar-pro"),
        ("x_ai", "x-ai", "grok-4"),
    ],
)
def test_a_provider_of_the_conventions_is_known(provider: str, other: str, model: str) -> None:
    own = cost(provider, model)
    assert own is not None
    assert math.isclose(own.amount, expected(other, model))
    assert (own.currency, own.price_version) == ("USD", f"genai-prices {version('genai-prices')}")


@pytest.mark.parametrize(
    ("provider", "model", "address", "seller"),
    [
        ("openai", "gpt-4o", None, "openai"),
        ("openai", "gpt-4o", "api.openai.com", "openai"),
        ("openai", "gpt-4o", "EU.api.openai.com", "openai"),
        ("openai", "gpt-4o", "localhost", None),
        ("openai", "gpt-4o", "notopenai.com", None),
        ("openai", "gpt-4o", "api.openai.com.example", None),
        ("openai", "gpt-4o", "api.together.xyz", None),
        ("openai", "openai/gpt-4o", "OpenRouter.ai", "openrouter"),
        ("openai", "kimi-k2-thinking", "api.moonshot.cn", "moonshotai"),
        ("openai", "gpt-4o", "mine.openai.azure.com", "azure"),
        ("openai", "deepseek-chat", "api.deepseek.com", "deepseek"),
        ("openrouter", "openai/gpt-4o", "openrouter.ai", "openrouter"),
        ("anthropic", "claude-sonnet-4-5", "gateway.example", "anthropic"),
        ("anthropic", "anthropic/claude-sonnet-4.5", "openrouter.ai", "openrouter"),
        ("mistral_ai", "mistral-large-latest", "europe-west4-aiplatform.googleapis.com", None),
        ("azure.ai.openai", "gpt-4o", "gateway.example", "azure"),
        ("ibm.watsonx.ai", "gpt-4o", None, None),
    ],
)
def test_the_price_is_that_of_whoever_stands_at_the_address(
    provider: str, model: str, address: str | None, seller: str | None
) -> None:
    own = cost(provider, model, address=address)
    assert (own and own.amount) == (seller and pytest.approx(expected(seller, model)))


UNPRICED = [("openai", "gpt-99"), (None, "gpt-4o"), ("openai", None), ("", ""), ("nobody", "gpt-4o"),
            ("anthropic", "claude-3-haiku" + "-x" * 300), ("openai", "whisper-1"), ("openai", "gpt-4o-transcribe"),
            ("openai", "gpt-realtime"), ("perplexity", "sonar-deep-research")]  # fmt: skip


@pytest.mark.parametrize(("provider", "model"), UNPRICED)
def test_what_is_unknown_or_charged_by_more_than_tokens_has_no_cost(provider: str | None, model: str | None) -> None:
    assert cost(provider, model) is None


@pytest.mark.parametrize(
    "counts",
    [
        {"input_tokens": None},
        {"output_tokens": None, "reasoning_tokens": None},
        {"cache_read_tokens": 801},
        {"cache_creation_tokens": 701},
        {"reasoning_tokens": 501},
        {"cache_read_tokens": -1},
        {"input_tokens": -1000, "cache_read_tokens": 0, "cache_creation_tokens": 0},
    ],
)
def test_counts_that_lack_or_contradict_make_no_cost(counts: dict[str, int | None]) -> None:
    assert cost("openai", "gpt-4o", **counts) is None


def test_embeddings_have_no_output_to_count() -> None:
    counts = dict.fromkeys(COUNTS, None) | {"input_tokens": 1_000_000}
    own = cost("openai", "text-embedding-3-small", **counts)
    assert own == Cost(0.02, "USD", own.price_version if own else "", {names.COST_INPUT: 0.02})


def test_no_name_takes_long_or_stays_for_ever() -> None:
    """The application may name anything as a model, as far as it is asked by its own users."""
    hostile = [
        text * (512 // len(text)) for text in ("-", "-tts", "gemini-2.5-pro-", "claude-opus-5-2", "gpt-5.6-luna-2")
    ]
    started = time.process_time()
    for provider, name in product([each.id for each in snapshot().providers], hostile):
        cost(provider, name)
    for number in range(3000):
        cost("openrouter", f"model-{number}")
    assert time.process_time() - started < 2
    assert PRICES._offer.cache_info().currsize <= 1024


def test_importing_and_loading_reads_no_list() -> None:
    imported = set(re.findall(r"^(?:from|import) (\w+)", Path(prices.__file__).read_text("utf-8"), re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"throughline"}
    script = (
        "import sys\nopened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "from throughline.prices import Prices\n"
        "prices = Prices.load(None)\n"
        "read = lambda: sum(path.endswith('prices.json') for path in opened)\n"
        "assert read() == 0 and 'genai_prices' not in sys.modules\n"
        "counts = dict.fromkeys(('input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens',"
        " 'reasoning_tokens'), 0)\n"
        "costs = [prices.cost('openai', 'gpt-4o', at=0.0, address=None, **counts) for _ in range(2)]\n"
        "assert None not in costs and read() == 1 and 'genai_prices' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
