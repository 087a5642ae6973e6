"""The waterfall alone: its order, its bars, what it tells of a step, and that it stays within its width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from throughline import names
from throughline.cli.waterfall import bar_of, facts, in_order, render, short
from throughline.store.traces import Step


def step(span_id: str, parent_id: str | None = None, start: float = 0.0, duration: float = 1.0, **more: object) -> Step:
    return Step(span_id, parent_id, "service", f"step {span_id}", start, duration, **more)  # type: ignore[arg-type]


def lines_of(steps: list[Step], width: int) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(render(steps, width))
    return captured.get().splitlines()


def test_parents_come_before_their_children_and_siblings_by_their_start() -> None:
    steps = [step("c", "a", 2), step("d", "b", 1), step("b", "a", 1), step("a")]
    assert [(depth, each.span_id) for depth, each in in_order(steps)] == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_a_step_whose_parent_is_not_there_is_a_root() -> None:
    steps = [step("b", "lost", 5), step("a", "elsewhere", 1)]
    assert [(depth, each.span_id) for depth, each in in_order(steps)] == [(0, "a"), (0, "b")]


def test_steps_that_are_their_own_ancestors_are_shown_once() -> None:
    steps = [step("a", "b"), step("b", "a"), step("c", "c"), step("d")]
    assert sorted(each.span_id for _, each in in_order(steps)) == ["a", "b", "c", "d"]


@given(st.floats(0, 1), st.floats(0, 2), st.integers(1, 200))
def test_a_bar_is_visible_and_within_its_width(offset: float, duration: float, width: int) -> None:
    bar = bar_of(offset, duration, 1.0, width)
    assert bar.strip()
    assert len(bar) <= width


def test_a_bar_begins_and_ends_where_the_step_did() -> None:
    assert bar_of(0.0, 1.0, 1.0, 8) == "████████"
    assert bar_of(0.5, 0.25, 1.0, 8) == "    ██"
    assert bar_of(0.5, 0.1875, 1.0, 8) == "    █▌"
    assert bar_of(1.0, 0.0, 1.0, 8) == "       ▏"
    assert bar_of(0.0, 0.0, 0.0, 3) == "███"


@pytest.mark.parametrize("width", [60, 99, 100, 160])
def test_no_line_is_wider_than_asked_and_nothing_is_lost(width: int) -> None:
    steps = [
        step("root", duration=3),
        step("leaf", "root", 1, 2, attributes={names.USAGE_INPUT_TOKENS: 1234, names.USAGE_OUTPUT_TOKENS: 5}),
    ]
    lines = lines_of(steps, width)
    assert max(map(len, lines)) <= width
    shown = "\n".join(lines)
    assert "step root" in shown
    assert "  service step leaf" in shown
    assert "1,234→5 tokens" in shown
    assert "3 s" in shown


def test_no_steps_are_no_rows() -> None:
    assert len(lines_of([], 100)) <= 1


def test_a_step_tells_model_tokens_cost_attempts_and_error() -> None:
    told = step(
        "a",
        attributes={
            names.ERROR_TYPE: "RateLimitError",
            "error": True,
            names.RESPONSE_MODEL: "small-2026",
            names.USAGE_INPUT_TOKENS: 10,
            names.RESPONSE_TIME_TO_FIRST_CHUNK: 0.25,
            names.COST_AMOUNT: 0.0042,
            names.COST_CURRENCY: "USD",
            names.ATTEMPT_COUNT: 3,
            names.MASK_COUNT: 2,
        },
        events=(
            {"event": names.ATTEMPT, names.HTTP_RESPONSE_STATUS_CODE: 429},
            {"event": names.ATTEMPT, names.ERROR_TYPE: "Timeout"},
        ),
    )
    assert facts(told).plain == (
        "RateLimitError · small-2026 · 10→? tokens · first chunk 250 ms · 0.0042 USD"
        " · 3 attempts (429, Timeout) · 2 masked"
    )
    assert facts(step("b")).plain == ""


def test_text_from_elsewhere_can_neither_style_nor_steer_the_terminal() -> None:
    hostile = Step(
        "a", None, "[red]svc[/]", "\x1b[2Jname\u202e", 0, 1, {"error": True, names.ERROR_TYPE: "\x07[/]boom"}
    )
    shown = "\n".join(lines_of([hostile], 160))
    assert "[red]svc[/] \ufffd[2Jname\ufffd" in shown
    assert "\ufffd[/]boom" in shown
    assert "\x1b" not in shown


def test_a_grpc_method_is_shown_without_its_package() -> None:
    assert short("/throughline.llm_caller.v1.LlmCaller/Complete") == "LlmCaller/Complete"
    assert short("POST /v1/ask") == "POST /v1/ask"
