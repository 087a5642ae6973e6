"""What only pgvector has: a retrieval is a statement, told from all others by its text."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy
import psycopg
import pytest
import throughline
from instrumentation.pgvector_client.exchanges import ROWS, VECTOR
from instrumentation.pgvector_client.wire import client
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry
from pgvector import Vector
from psycopg import sql
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"
HYBRID = """
    WITH near AS (
        SELECT id, RANK() OVER (ORDER BY embedding <=> %(embedding)s) AS rank FROM docs
        ORDER BY embedding <=> %(embedding)s LIMIT 20
    ), words AS (SELECT id FROM docs, plainto_tsquery('english', %(query)s) query LIMIT 20)
    SELECT near.id FROM near JOIN words ON near.id = words.id ORDER BY near.rank LIMIT %(k)s
"""
COMPOSED = sql.SQL("SELECT id FROM {} ORDER BY embedding <=> {} LIMIT 3").format(
    sql.Identifier("public", "docs"), sql.Placeholder()
)
WITH_VALUES = sql.SQL("SELECT id FROM docs ORDER BY e <-> {} LIMIT {}").format(sql.Literal(VECTOR), sql.Literal(3))
BY_SQLALCHEMY = (
    "SELECT items.id, items.embedding \nFROM items ORDER BY items.embedding <-> %(embedding_1)s "
    "\n LIMIT %(param_1)s::INTEGER"
)
BY_DJANGO = 'SELECT "docs_doc"."id" FROM "docs_doc" ORDER BY ("docs_doc"."embedding" <-> %s) ASC LIMIT 5'

RETRIEVALS: dict[str, tuple[Any, Any, str, int | None]] = {
    "L2": ("SELECT * FROM docs ORDER BY embedding <-> '[3,1,2]' LIMIT 5", None, "docs", 5),
    "L2, a vector of pgvector's": ("SELECT * FROM docs ORDER BY e <-> %s LIMIT 5", (Vector([1, 2]),), "docs", 5),
    "L2, a vector of numpy": ("SELECT * FROM docs ORDER BY e <-> %s LIMIT 5", (numpy.array([1.0]),), "docs", 5),
    "L2, a list": ("SELECT * FROM docs ORDER BY e <-> %s LIMIT 5", ([1.0, 2.0],), "docs", 5),
    "L2, to another row": (
        "SELECT id FROM docs ORDER BY e <-> (SELECT e::vector FROM docs WHERE id=1)",
        (),
        "docs",
        None,
    ),
    "inner product": ("select id from docs order by embedding <#> %s limit %s", [VECTOR, 4], "docs", 4),
    "L1": ("SELECT id FROM docs ORDER BY embedding <+> %s FETCH FIRST 6 ROWS ONLY", [VECTOR], "docs", 6),
    "Hamming": ("SELECT id FROM docs ORDER BY embedding <~> '101' LIMIT 5", None, "docs", 5),
    "Jaccard": ("SELECT id FROM docs ORDER BY embedding <%%> %s LIMIT 5", ["101"], "docs", 5),
    "a similarity": ("SELECT 1 - (e <=> %s) AS near FROM docs ORDER BY near DESC LIMIT 5", [VECTOR], "docs", 5),
    "in parentheses": ("(SELECT id FROM docs ORDER BY e <=> %s LIMIT 5)", [VECTOR], "docs", 5),
    "as bytes": (b"SELECT id FROM docs ORDER BY e <=> %s LIMIT 5", [VECTOR], "docs", 5),
    "composed": (COMPOSED, [VECTOR], "public.docs", 3),
    "composed with values": (WITH_VALUES, None, "docs", 3),
    "quoted": ('SELECT id FROM "My Schema"."docs" ORDER BY e <=> %s', [VECTOR], "My Schema.docs", None),
    "by SQLAlchemy": (BY_SQLALCHEMY, {"embedding_1": VECTOR, "param_1": 5}, "items", 5),
    "by Django": (BY_DJANGO, (VECTOR,), "docs_doc", 5),
    "a text before the table": ("SELECT 'sent from Ada', id FROM docs ORDER BY e <=> %s", [VECTOR], "docs", None),
    "hybrid": (HYBRID, {"embedding": VECTOR, "query": CANARY, "k": 7}, "docs", 7),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "no distance": ("SELECT id FROM docs WHERE likes < %s ORDER BY likes LIMIT 5", [3]),
    "a filter by distance": ("SELECT id FROM docs WHERE e <=> %s < 0.5 ORDER BY date LIMIT 5", [VECTOR]),
    "a distance that orders nothing": ("SELECT e <=> %s AS d FROM docs WHERE id = 1", [VECTOR]),
    "places": ("SELECT id FROM shops ORDER BY place <-> ST_MakePoint(%s, %s) LIMIT 5", [139.0, 35.0]),
    "words alike": ("SELECT id FROM docs ORDER BY title <-> %s LIMIT 5", ["tide"]),
    "words in a row": ("SELECT id FROM docs WHERE t @@ to_tsquery('a <-> b') ORDER BY date", None),
    "an index": ("CREATE INDEX ON docs USING hnsw (embedding vector_l2_ops)", None),
    "a write": ("INSERT INTO near SELECT id FROM docs ORDER BY e <=> %s LIMIT 5", [VECTOR]),
    "a write of what says so": ("INSERT INTO docs (text) VALUES ('ORDER BY a <=> b')", None),
}


@pytest.mark.parametrize("name", list(RETRIEVALS))
def test_a_query_that_orders_by_a_distance_is_a_retrieval(telemetry: Telemetry, name: str) -> None:
    query, params, table, limit = RETRIEVALS[name]
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    assert client(answering([ROWS])).execute(query, params).rows == [ROWS]
    attributes = telemetry.attributes()
    assert telemetry.span().name == f"retrieval {table}"
    assert (attributes[names.DATA_SOURCE_ID], attributes.get(names.RETRIEVAL_TOP_K)) == (table, limit)
    assert CANARY not in telemetry.everything()
    assert "1.875" not in telemetry.everything()


@pytest.mark.parametrize("name", list(OTHERS))
def test_any_other_statement_is_left_alone(telemetry: Telemetry, name: str) -> None:
    query, params = OTHERS[name]
    telemetry.instrument()
    client(answering([ROWS])).execute(query, params)
    assert not telemetry.spans()
    assert not telemetry.points()


def test_a_parameter_that_is_no_number_is_no_limit(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering([ROWS])).execute("SELECT id FROM docs ORDER BY e <=> %s LIMIT %s", [VECTOR, CANARY])
    assert names.RETRIEVAL_TOP_K not in telemetry.attributes()
    assert CANARY not in telemetry.everything()


def test_an_error_says_nothing_of_the_statement(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(psycopg.errors.UndefinedColumn):
        api = client(answering(psycopg.errors.UndefinedColumn(f"no {CANARY}")))
        api.execute("SELECT id FROM docs ORDER BY e <=> %s", [VECTOR])
    assert telemetry.attributes()[names.ERROR_TYPE] == "UndefinedColumn"
    assert CANARY not in telemetry.everything()


def test_a_closed_connection_tells_no_server(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(psycopg.OperationalError("closed")), closed=True, info=SimpleNamespace())
    with pytest.raises(psycopg.OperationalError):
        api.execute("SELECT id FROM docs ORDER BY e <=> %s", [VECTOR])
    assert names.SERVER_ADDRESS not in telemetry.attributes()


def test_a_retrieval_of_the_applications_own_holds_the_statement(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        client(answering([ROWS])).execute("SELECT id FROM docs ORDER BY e <=> %s", [VECTOR])
    assert telemetry.span().name == "retrieval corpus"


def test_it_stays_a_coroutine_function(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert inspect.iscoroutinefunction(psycopg.AsyncCursor.execute)
    assert not inspect.iscoroutinefunction(psycopg.Cursor.execute)
