"""Which records are counted, once each, with whose user and which scores; on a real Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from comparison.planted import START, Document, Plant, Requests
from elasticsearch import Elasticsearch
from throughline import names
from throughline.comparison import searching
from throughline.comparison.reading import Read, read
from throughline.comparison.searching import Selection

pytestmark = pytest.mark.stack

Write = Callable[..., None]


@pytest.fixture
def requests(namespace: str) -> Requests:
    return Requests(f"prompt-{namespace}", {"a": Plant()}, namespace, experiment="x")


@pytest.fixture
def record(requests: Requests) -> Callable[..., Document]:
    """A record of variant a at second `at`, of trace `trace` and span 1; anything may be otherwise."""

    def made(at: float, trace: int, **more: Any) -> Document:
        known = {"variant": "a", "user": "ada", "latency": 1.0, "failed": False, "span": 1} | more
        span = f"{known.pop('span'):016x}"
        other = {name.replace("__", "."): known.pop(name) for name in list(known) if "__" in name}
        return requests.record(START + at, f"{trace:032x}", span, **known, **other)

    return made


@pytest.fixture
def read_all(client: Elasticsearch, requests: Requests) -> Callable[..., Read]:
    return lambda **selected: read(client, Selection(requests.prompt, **selected))


def test_all_planted_requests_are_read_with_their_users_and_scores(client: Elasticsearch, help_desk: Requests) -> None:
    """More than one page of them, so that none is lost between pages."""
    told: list[int] = []
    found = read(client, Selection(help_desk.prompt), told.append)
    actions = list(help_desk.actions())
    records = [each["_source"] for each in actions if "record" in each["_index"]]
    scores = [each["_source"]["attributes"] for each in actions if "evaluation" in each["_index"]]

    traffic = found.traffic
    assert traffic.variants == ("concise", "stepwise")
    assert sum(told) == len(records) == traffic.times.size
    assert np.nansum(traffic.metrics["latency"]) == pytest.approx(
        sum(each["attributes"][names.DURATION] for each in records)
    )
    assert traffic.metrics["errors"].sum() == sum(names.ERROR_TYPE in each["attributes"] for each in records)
    assert np.nansum(traffic.metrics["score:groundedness"]) == pytest.approx(
        sum(each[names.EVALUATION_SCORE_VALUE] for each in scores)
    )
    assert np.isfinite(traffic.metrics["score:groundedness"]).sum() == len(scores)
    assert traffic.people("concise") + traffic.people("stepwise") == len(
        {each["attributes"][names.USER_ID] for each in records}
    )
    assert (np.diff(traffic.times) >= 0).all()
    assert (found.without_user, found.redelivered, found.currency) == (0, 0, "USD")


def test_pages_are_joined(client: Elasticsearch, help_desk: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(client, Selection(help_desk.prompt)).traffic
    monkeypatch.setattr(searching, "PAGE", 700)
    paged = read(client, Selection(help_desk.prompt)).traffic

    for name, values in whole.metrics.items():
        assert np.array_equal(values, paged.metrics[name], equal_nan=True)


def test_other_operations_judges_and_other_prompts_are_not_counted(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read]
) -> None:
    write(
        record(0, 1),
        record(1, 2, **{names.OPERATION_NAME.replace(".", "__"): "embeddings"}),
        record(2, 3, **{names.JUDGING.replace(".", "__"): True}),
        record(3, 4, **{names.PROMPT_NAME.replace(".", "__"): "another"}),
        record(4, 5, variant=None),
        record(5, 6, variant="b", **{names.OPERATION_NAME.replace(".", "__"): "generate_content"}),
    )

    assert read_all().traffic.times.tolist() == [START, START + 5]
    assert read_all(since="2026-07-02T13:46:44Z").traffic.times.tolist() == [START + 5]


def test_filters(write: Write, record: Callable[..., Document], read_all: Callable[..., Read]) -> None:
    other = {"model": names.REQUEST_MODEL, "version": names.PROMPT_VERSION, "experiment": names.EXPERIMENT_NAME}
    marked = [{attribute.replace(".", "__"): "other"} for attribute in other.values()]
    write(record(0, 1), *(record(number, number + 1, **mark) for number, mark in enumerate(marked, 1)))

    for number, name in enumerate(other, 1):
        assert read_all(**{name: "other"}).traffic.times.tolist() == [START + number]
    assert read_all(service="nobody").traffic.times.size == 0
    assert read_all(service="comparison-tests").traffic.times.size == 4


def test_a_record_that_came_twice_counts_once(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read]
) -> None:
    again = record(0, 1)
    write(record(0, 1), {**again, "_id": "another"}, record(1, 2))

    found = read_all()
    assert found.traffic.times.tolist() == [START, START + 1]
    assert found.redelivered == 1


def test_records_without_an_id_are_no_copies_of_each_other(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read], requests: Requests
) -> None:
    documents = [record(number, number + 1) for number in range(4)]
    documents += [requests.evaluation(START + 9, f"{number + 1:032x}", None, "stars", number) for number in range(4)]
    for each in documents:
        del each["_source"]["attributes"][names.RECORD_ID]
    write(*documents)

    found = read_all()
    assert found.traffic.times.size == 4
    assert found.redelivered == 0
    assert found.traffic.metrics["score:stars"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_request_without_user_is_its_sessions_else_its_conversations_else_its_traces(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read]
) -> None:
    """What belongs together is no proof for each other: the unit that was assigned, or one request of many calls."""
    session, conversation = (each.replace(".", "__") for each in (names.SESSION_ID, names.CONVERSATION_ID))
    outside = record(9, 10, user=None)
    del outside["_source"]["trace_id"]
    write(
        record(0, 1, user="ada"), record(1, 2, user="ada", **{session: "s"}), record(2, 3, user=None, **{session: "s"}),
        record(3, 4, user=None, **{session: "s"}), record(4, 5, user=None), record(5, 6, user=None),
        record(6, 6, user=None, span=2), record(7, 8, user=None, **{conversation: "s"}),
        record(8, 9, user=None, **{conversation: "s"}), outside, record(10, 11, user="s"),
    )  # fmt: skip

    found = read_all()
    assert found.traffic.users.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6]
    assert found.without_user == 8
    assert found.traffic.known is not None
    assert np.flatnonzero(~found.traffic.known).tolist() == [4, 5, 6, 9]


def test_an_evaluation_outside_of_any_trace_is_nobodys(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read], requests: Requests
) -> None:
    outside = requests.evaluation(START + 9, "", None, "stars", 5.0)
    del outside["_source"]["trace_id"]
    alone = record(1, 2)
    del alone["_source"]["trace_id"], alone["_source"]["span_id"]
    write(record(0, 1), alone, outside, requests.evaluation(START + 9, f"{1:032x}", None, "stars", 2.0))

    stars = read_all().traffic.metrics["score:stars"]
    assert stars[0] == 2.0
    assert np.isnan(stars[1])


def test_costs_in_another_currency_are_left_out(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read]
) -> None:
    currency = names.COST_CURRENCY.replace(".", "__")
    write(record(0, 1), record(1, 2), record(2, 3, **{currency: "EUR"}))

    found = read_all()
    assert np.isfinite(found.traffic.metrics["cost"]).tolist() == [True, True, False]
    assert (found.other_currencies, found.currency) == (1, "USD")


def test_scores_are_joined_by_span_else_by_trace_and_never_by_what_they_claim(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read], requests: Requests
) -> None:
    def score(trace: int, span: int | None, name: str, value: float | None, **more: Any) -> Document:
        told = None if span is None else f"{span:016x}"
        return requests.evaluation(START + 9, f"{trace:032x}", told, name, value, **more)  # type: ignore[arg-type]

    write(record(0, 1), record(1, 2, span=1), record(2, 2, span=2), record(3, 3), record(4, 4))
    write(
        score(1, 1, "stars", 4.0, **{names.PROMPT_VARIANT: "b"}),
        score(1, 1, "stars", 2.0, **{names.RECORD_ID: "another"}),
        {**score(1, 1, "stars", 2.0, **{names.RECORD_ID: "another"}), "_id": "a copy of it"},
        score(2, 1, "grounded", 0.25),
        score(2, 7, "rating", 5.0),
        score(3, None, "rating", 3.0),
        score(4, 1, "rating", None),
        score(99, 1, "rating", 1.0),
    )

    metrics = read_all().traffic.metrics
    assert metrics["score:stars"][0] == 3.0, "the mean of two, of which one came twice"
    assert np.isnan(metrics["score:stars"][1:]).all()
    assert metrics["score:grounded"].tolist()[1] == 0.25
    assert np.isnan(np.delete(metrics["score:grounded"], 1)).all()
    rating = metrics["score:rating"]
    assert rating[2:4].tolist() == [5.0, 3.0], "a score of the whole answer is its last request's"
    assert np.isnan(np.delete(rating, [2, 3])).all()


def test_who_gave_scores_and_how_many_calls_a_trace_has_is_known(
    write: Write, record: Callable[..., Document], read_all: Callable[..., Read], requests: Requests
) -> None:
    def score(trace: int, name: str, scorer: str | None, source: str) -> Document:
        by = {names.EVALUATION_SCORER: scorer, names.EVALUATION_SOURCE: source, names.RECORD_ID: f"{trace}{scorer}"}
        return requests.evaluation(START + 9, f"{trace:032x}", f"{1:016x}", name, 1.0, **by)

    outside = record(4, 5, variant="b")
    del outside["_source"]["trace_id"]
    write(record(0, 1), record(1, 1, span=2), record(2, 2), record(3, 3, variant="b"), outside)
    write(
        score(1, "grounded", "grounded/1", "code"), score(2, "grounded", "grounded/2", "code"),
        score(3, "stars", None, "user"), score(99, "stars", "another prompt's", "judge"),
    )  # fmt: skip

    found = read_all()
    assert found.scorers == {"score:grounded": ["grounded/1", "grounded/2"], "score:stars": ["user"]}
    assert found.rated == ["score:stars"]
    assert found.calls == {"a": 1.5, "b": 1.0}


def test_scores_are_the_same_where_many_others_are_about(
    client: Elasticsearch, help_desk: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    from throughline.comparison import scoring

    whole = read(client, Selection(help_desk.prompt)).traffic.metrics["score:groundedness"]
    monkeypatch.setattr(scoring, "_FEW", -1)
    monkeypatch.setattr(scoring, "_TRACES_AT_ONCE", 900)
    by_trace = read(client, Selection(help_desk.prompt)).traffic.metrics["score:groundedness"]

    assert np.array_equal(whole, by_trace, equal_nan=True)


def test_prompts_with_several_variants_are_found(
    client: Elasticsearch, help_desk: Requests, write: Write, record: Callable[..., Document], requests: Requests
) -> None:
    write(record(0, 1))
    found = searching.prompts(client, Selection(""))

    assert help_desk.prompt in found
    assert requests.prompt not in found
