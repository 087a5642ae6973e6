"""LangGraph's stores as the memory of the conventions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from instrumentation.langchain_client.subjects import BOTH, CANARY
from instrumentation.steps import check_everything, ending, tree
from instrumentation.telemetry import Telemetry, plain
from langgraph.store.base import BaseStore
from langgraph.store.base.batch import AsyncBatchedBaseStore
from langgraph.store.memory import InMemoryStore
from throughline import names

SPACE = ("memories", "a user")


class Batched(AsyncBatchedBaseStore):
    """A store that gathers what it is asked within one turn of the loop, as those over databases do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = InMemoryStore()

    async def abatch(self, ops: Any) -> Any:
        return self.inner.batch(ops)

    def batch(self, ops: Any) -> Any:
        return self.inner.batch(ops)


async def every_operation(store: BaseStore, *, asynchronous: bool) -> list[Any]:
    if asynchronous:
        await store.aput(SPACE, "1", {"text": "likes the cold"})
        found = [await store.aget(SPACE, "1"), await store.aget(SPACE, "2"), await store.asearch(SPACE, query="cold?")]
        await store.adelete(SPACE, "1")
        return found
    store.put(SPACE, "1", {"text": "likes the cold"})
    found = [store.get(SPACE, "1"), store.get(SPACE, "2"), store.search(SPACE, query="cold?")]
    store.delete(SPACE, "1")
    return found


@pytest.mark.parametrize(("store", "asynchronous"), [(InMemoryStore, False), (InMemoryStore, True), (Batched, True)])
async def test_every_operation(telemetry: Telemetry, store: Any, asynchronous: bool) -> None:
    telemetry.instrument(content=BOTH)
    one, nothing, several = await every_operation(store(), asynchronous=asynchronous)
    assert (one.value, nothing, [item.key for item in several]) == ({"text": "likes the cold"}, None, ["1"])
    assert tree(telemetry) == ["upsert_memory", "search_memory", "search_memory", "search_memory", "delete_memory"]
    told = [plain(span.attributes) for span in telemetry.spans()]
    records = [json.loads(attributes.pop(names.MEMORY_RECORDS, "null")) for attributes in told]
    known = {"id": "1", "content": {"text": "likes the cold"}}
    assert records == [[known], [known], None, [known], None]
    assert told == [
        {names.OPERATION_NAME: operation, names.END_REASON: "completed", **more}
        for operation, more in (
            ("upsert_memory", {names.MEMORY_RECORD_ID: "1", names.MEMORY_RECORD_COUNT: 1}),
            ("search_memory", {names.MEMORY_RECORD_ID: "1", names.MEMORY_RECORD_COUNT: 1}),
            ("search_memory", {names.MEMORY_RECORD_ID: "2", names.MEMORY_RECORD_COUNT: 0}),
            (
                "search_memory",
                {names.MEMORY_RECORD_COUNT: 1, names.MEMORY_QUERY_TEXT: told[3][names.MEMORY_QUERY_TEXT]},
            ),
            ("delete_memory", {names.MEMORY_RECORD_ID: "1"}),
        )
    ]
    assert "cold?" in told[3][names.MEMORY_QUERY_TEXT]
    check_everything(telemetry)


async def test_a_failure_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the store's own
        InMemoryStore().put((), "1", {"text": "nowhere"})
    assert ending(telemetry.span()) == ("error", type(caught.value).__qualname__)


async def test_nothing_of_memory_is_told_with_content_off(telemetry: Telemetry) -> None:
    telemetry.instrument()
    store = InMemoryStore()
    store.put(SPACE, "1", {"text": CANARY})
    store.search(SPACE, query=CANARY)
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()
    assert "a user" not in telemetry.everything()
