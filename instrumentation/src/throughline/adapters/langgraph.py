"""LangGraph: runs of graphs, which are agents or workflows, and its stores, which are memory. Nodes make no spans.

A graph is an agent where one of its nodes is what `create_react_agent` or LangChain's `create_agent` makes of a model.
Any other graph is a workflow, one that its author wrote as an agent included: only he knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.langchain_messages import finish_reason, kind_of, read_message, tool_definition
from throughline.operation import Message, Operation, Part, fitting
from throughline.parts import get, member

_FACTORIES = ("langgraph.prebuilt.chat_agent_executor", "langchain.agents.factory")
_UNNAMED = "LangGraph"  # how LangGraph calls a graph that nobody named
_INTERRUPT = "__interrupt__"
_STORE = "langgraph.store.base"


class _Graph(Reader):
    kind, encloses = "internal", True
    pauses = frozenset({"GraphBubbleUp"})  # it waits for a human, or goes on in the graph around it

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if op.conversation_id is None:
            op.conversation_id = body["thread"]

    def request_content(self, op: Operation, body: Any) -> None:
        asked = member(body["input"], "messages") if isinstance(body["input"], Mapping) else None
        op.input = [read_message(said) for said in _listed(asked)]
        nodes = (member(node, "bound") for node in body["graph"].nodes.values())
        tools = [tool for node in nodes for tool in (member(node, "tools_by_name") or {}).values()]
        op.tools = [tool_definition(tool) for tool in tools]

    def response(self, op: Operation, body: Any) -> None:
        op.time_to_first_chunk = None  # a graph's chunks are its steps
        said = body.get("messages")
        reason = finish_reason(said[-1]) if said else body.get("reason")
        op.finish_reasons = [reason] if reason else None
        if body.get("paused") and op.end_reason == "completed":
            op.end_reason = "interrupted"

    def response_content(self, op: Operation, body: Any) -> None:
        said = body.get("messages") or _joined(body.get("chunks") or [])
        last = read_message(said[-1]) if said else None
        if last and last["role"] != "user":  # what came in and was never answered is no output
            op.output = [{**last, "finish_reason": (op.finish_reasons or [op.end_reason or "error"])[0]}]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        state = _payload(chunk)
        if isinstance(state, dict):
            if _INTERRUPT in state or (state is not chunk and member(chunk, "interrupts")):
                whole["paused"] = True
            elif said := _said(state):
                whole["messages"] = said
        elif (token := _token(state)) is not None and (reason := finish_reason(token)):
            whole["reason"] = reason

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if (token := _token(_payload(chunk))) is not None:
            whole.setdefault("chunks", []).append(token)


class Agent(_Graph):
    """A graph that a factory made an agent."""

    operation = "invoke_agent"
    params = {"agent_name": "name"}


class Workflow(_Graph):
    """Any other graph."""

    operation = "invoke_workflow"
    params = {"workflow_name": "name"}


def _payload(chunk: Any) -> Any:
    """What a chunk carries, beside its mode and the namespace of its graph; a model's token comes with metadata."""
    if isinstance(chunk, tuple):
        token = len(chunk) == 2 and hasattr(chunk[0], "content")
        return chunk if token else _payload(chunk[-1]) if len(chunk) > 1 else None
    if isinstance(chunk, dict) and chunk.keys() >= {"type", "ns", "data"}:
        return chunk["data"]
    return chunk


def _token(piece: Any) -> Any:
    """The piece of a model's message that came with metadata, or None."""
    return piece[0] if isinstance(piece, (list, tuple)) and piece and kind_of(piece[0]) == "ai" else None


def _said(state: dict[str, Any]) -> list[Any]:
    """The messages of a state, or of what its nodes add to it."""
    if "messages" in state:
        return _listed(state["messages"])
    added = [member(update, "messages") for update in state.values() if isinstance(update, dict)]
    return [said for messages in added for said in _listed(messages)]


def _listed(said: Any) -> list[Any]:
    if isinstance(said, list):
        return said
    return [] if said is None or not (isinstance(said, (str, tuple, dict)) or hasattr(said, "content")) else [said]


def _joined(chunks: list[Any]) -> list[Any]:
    """The last message of those whose tokens came."""
    last = [chunk for chunk in chunks if chunk.id == chunks[-1].id]
    return [last[0] + last[1:] if len(last) > 1 else last[0]] if last else []


class _Memory(Reader):
    encloses: ClassVar[bool] = True  # a store asks a model for embeddings
    params = {"memory_record_id": "key"}


class Remember(_Memory):
    """`put`, which does not tell whether the record is new."""

    operation = "upsert_memory"

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.memory_record_count = 1

    def request_content(self, op: Operation, body: Any) -> None:
        op.memory_records = [{"id": fitting(get(body, "key"), str), "content": get(body, "value")}]


class Recall(_Memory):
    """`get` of one record, and `search`."""

    operation = "search_memory"

    def request_content(self, op: Operation, body: Any) -> None:
        op.memory_query = fitting(get(body, "query"), str)

    def response(self, op: Operation, body: Any) -> None:
        op.memory_record_count = len(_records(body))

    def response_content(self, op: Operation, body: Any) -> None:
        op.memory_records = [_record(item) for item in _records(body)]


class Forget(_Memory):
    """`delete`."""

    operation = "delete_memory"


def _records(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [] if not hasattr(found, "key") else [found]


def _record(item: Any) -> Part:
    known: Message = {"id": item.key, "content": item.value}
    score = fitting(getattr(item, "score", None), float)
    return known if score is None else {**known, "score": score}


_REMEMBER, _RECALL, _FORGET = Remember(), Recall(), Forget()
_STORES: Mapping[str, tuple[Reader, tuple[str, ...]]] = {
    "put": (_REMEMBER, ("namespace", "key", "value")),
    "get": (_RECALL, ("namespace", "key")),
    "search": (_RECALL, ("namespace_prefix",)),
    "delete": (_FORGET, ("namespace", "key")),
}


class LangGraph(Adapter):
    """Every way to run a graph steps through its `stream` or `astream`."""

    agent, workflow = Agent(), Workflow()
    patches = (
        Patch("langgraph.pregel:Pregel.stream"),
        Patch("langgraph.pregel:Pregel.astream"),
        *(Patch(f"{_STORE}:BaseStore.{how}{what}", late=True) for how in ("", "a") for what in _STORES),
        *(Patch(f"{_STORE}.batch:AsyncBatchedBaseStore.a{what}", late=True) for what in _STORES),
    )

    def route(self, call: Call) -> Route | None:
        owner, _, name = call.point.partition(".")
        if owner == "Pregel":
            return self._graph(call)
        reader, positional = _STORES[name if name in _STORES else name[1:]]
        return Route(reader, call.named(*positional), None)

    def _graph(self, call: Call) -> Route:
        graph, given = call.instance, call.named("input", "config")
        config, agent = given.get("config"), _is_agent(call.instance)
        body = {
            "graph": graph,
            "input": given.get("input"),
            "name": _name(graph, config) or (None if agent else _UNNAMED),
            "thread": _thread(config) or _thread(getattr(graph, "config", None)),
        }
        return Route(self.agent if agent else self.workflow, body, None)


def _is_agent(graph: Any) -> bool:
    bound = (member(node, "bound") for node in graph.nodes.values())
    made = (member(node, name) for node in bound for name in ("func", "afunc"))
    return any(getattr(function, "__module__", None) in _FACTORIES for function in made)


def _name(graph: Any, config: Any) -> str | None:
    """What its author called it: himself, as a node of another graph, or as the function that it is made of."""
    name: str | None = fitting(getattr(graph, "name", None), str)
    if name and name != _UNNAMED:
        return name
    node = get(config, "metadata.langgraph_node") or (next(iter(graph.nodes)) if len(graph.nodes) == 1 else None)
    return node if isinstance(node, str) else None


def _thread(config: Any) -> str | None:
    thread = get(config, "configurable.thread_id")
    return None if thread is None else str(thread)
