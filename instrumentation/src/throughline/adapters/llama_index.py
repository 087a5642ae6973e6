"""LlamaIndex: agents, workflows, engines, retrievers, embeddings, tools, and models that no client below records.

Its own events (`instrumentation`) tell what happened but surround nothing: by them, no call of a client could be found
to be the very one that they speak of. So what they surround is patched, below them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.llama_index_messages import definition, finish_reason, plain, read_message, said
from throughline.operation import Operation, Part, fitting
from throughline.parts import get, items, member, message, text

_CORE = "llama_index.core"
_AGENTS = f"{_CORE}.agent.workflow"
_EMBEDDINGS = ("get_query_embedding", "get_text_embedding", "get_text_embedding_batch")
_CHATS = {
    "simple": "SimpleChatEngine",
    "context": "ContextChatEngine",
    "condense_question": "CondenseQuestionChatEngine",
    "condense_plus_context": "CondensePlusContextChatEngine",
}
_STORES = ("collection_name", "_collection_name", "index_name", "_index_name")


class _Steps(Reader):
    kind, encloses = "internal", True

    def request_content(self, op: Operation, body: Any) -> None:
        given = body["given"]
        asked = next((given[name] for name in ("user_msg", "query", "message", "input") if given.get(name)), None)
        history = [read_message(one) for one in given.get("chat_history") or ()]
        op.input = [*history, *([] if asked is None else [read_message(asked)])]

    def response(self, op: Operation, body: Any) -> None:
        del body
        op.time_to_first_chunk = None  # of an engine's stream, the model's span has it
        op.finish_reasons = None

    def response_content(self, op: Operation, body: Any) -> None:
        answer = said(body)
        op.output = [{**answer, "role": "assistant", "finish_reason": op.end_reason or "stop"}] if answer else None

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if isinstance(chunk, str):
            whole["response"] = whole.get("response", "") + chunk


class Agent(_Steps):
    """One run of an agent."""

    operation = "invoke_agent"
    params = {"agent_name": "owner.name", "agent_description": "owner.description"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.model = _model_name(member(body["owner"], "llm"))

    def request_content(self, op: Operation, body: Any) -> None:
        super().request_content(op, body)
        told = fitting(member(body["owner"], "system_prompt"), str)
        op.system = [text(told)] if told else None
        op.tools = [definition(tool) for tool in items(body["owner"], "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        op.finish_reasons = ["stop"] if op.end_reason == "completed" else None


class Workflow(_Steps):
    """One run of any other workflow, or what an engine does for a question."""

    operation = "invoke_workflow"

    def request(self, op: Operation, body: Any) -> None:
        op.workflow_name = body["name"]


class Tool(Reader):
    """A tool's run: an agent's, which knows its call, or one of the application's own."""

    operation, kind, encloses = "execute_tool", "internal", True
    pauses = frozenset({"WaitingForEvent"})  # it asks a human
    params = {"tool_name": "name", "tool_call_id": "call_id", "tool_description": "description"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "function"

    def joins(self, around: Operation, body: Any) -> bool:
        """An agent's call of a tool ends in that tool's own function."""
        return body["call_id"] is None and around.name == "execute_tool" and around.tool_name == body["name"]

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = plain(body["arguments"])

    def response(self, op: Operation, body: Any) -> None:
        told = member(body, "tool_output") or body
        if member(told, "is_error"):
            error = getattr(told, "exception", None)  # older versions keep only what it says
            op.error_type = "tool_error" if error is None else type(error).__qualname__

    def response_content(self, op: Operation, body: Any) -> None:
        told = member(body, "tool_output") or body
        op.tool_result = plain(member(told, "raw_output"))


class Retrieval(Reader):
    """A retriever asked once, where no client of a store below records it."""

    operation, gives_way = "retrieval", True
    params = {"retrieval_top_k": "retriever._similarity_top_k"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        store = member(body["retriever"], "_vector_store")
        op.data_source = next((name for one in _STORES if isinstance(name := member(store, one), str)), None)

    def request_content(self, op: Operation, body: Any) -> None:
        asked = body["query"]
        op.query = fitting(asked if isinstance(asked, str) else member(asked, "query_str"), str)

    def scores(self, body: Any) -> list[Any] | None:
        return [member(found, "score") for found in body] if isinstance(body, list) else None

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(one) for one in body] if isinstance(body, list) else None


def _document(found: Any) -> Part:
    node = member(found, "node")
    known = {"id": fitting(getattr(node, "node_id", None), str), "score": fitting(member(found, "score"), float)}
    content = node.get_content() if hasattr(node, "get_content") else None
    return {key: value for key, value in {**known, "content": content}.items() if value is not None}


class Embedding(Reader):
    """What an embedding model is asked, where no client below records it."""

    operation, gives_way = "embeddings", True

    def request(self, op: Operation, body: Any) -> None:
        op.model = _model_name(body)

    def response(self, op: Operation, body: Any) -> None:
        first = body[0] if isinstance(body, list) and body else None
        vector = first if isinstance(first, list) else body
        op.dimension_count = len(vector) if isinstance(vector, list) and vector else None


class Chat(Reader):
    """A model asked by LlamaIndex's own means, where no client below records it."""

    gives_way = True

    def request(self, op: Operation, body: Any) -> None:
        model = body["model"]
        op.model = _model_name(model)
        op.temperature = fitting(member(model, "temperature"), float)
        op.max_tokens = fitting(member(model, "max_tokens"), int)

    def request_content(self, op: Operation, body: Any) -> None:
        given = body["given"]
        asked = [*(given.get("chat_history") or ()), *([given["user_msg"]] if given.get("user_msg") else [])]
        op.input = [read_message(one) for one in asked]
        op.tools = [definition(tool) for tool in given.get("tools") or ()]

    def response(self, op: Operation, body: Any) -> None:
        reason = finish_reason(body)
        op.finish_reasons = [reason] if reason else None

    def response_content(self, op: Operation, body: Any) -> None:
        answer = message("assistant", [text(body)]) if isinstance(body, str) else read_message(member(body, "message"))
        op.output = [{**answer, "finish_reason": (op.finish_reasons or ["stop"])[0]}]


def _model_name(model: Any) -> str | None:
    """What its integration calls it, or its class; LlamaIndex says `unknown` where nobody said."""
    named = (getattr(model, "model", None), getattr(model, "model_name", None), type(model).__name__)
    return None if model is None else next(name for name in named if isinstance(name, str) and name != "unknown")


def _provider(owner: Any, suffix: str) -> str:
    return type(owner).__name__.removesuffix(suffix).lower() or "llama_index"


def _below(module: str, *names: str) -> tuple[Patch, ...]:
    """These methods, both sync and async, below the wrapper that tells LlamaIndex's own events of them."""
    return tuple(Patch(f"{module}.{how}{name}.__wrapped__", late=True) for name in names for how in ("", "a"))


class LlamaIndex(Adapter):
    """The `llama-index-core` package and the workflows that it rests on."""

    agent, workflow, tool, retrieval, embedding, chat = Agent(), Workflow(), Tool(), Retrieval(), Embedding(), Chat()
    patches = (
        *(
            Patch(f"{_AGENTS}.{module}:{owner}.{name}", late=True)
            for module, owner in (("base_agent", "BaseWorkflowAgent"), ("multi_agent_workflow", "AgentWorkflow"))
            for name in ("run", "call_tool")
        ),
        Patch("workflows.workflow:Workflow.run", late=True),
        *_below(f"{_CORE}.base.base_query_engine:BaseQueryEngine", "query"),
        *(patch for module, name in _CHATS.items() for patch in _below(f"{_CORE}.chat_engine.{module}:{name}", "chat")),
        *_below(f"{_CORE}.base.base_retriever:BaseRetriever", "retrieve"),
        *_below(f"{_CORE}.base.embeddings.base:BaseEmbedding", *_EMBEDDINGS),
        *_below(f"{_CORE}.tools.function_tool:FunctionTool", "call"),
        *_below(f"{_CORE}.llms.llm:LLM", "predict"),
        *(
            Patch(f"{_CORE}.llms.function_calling:FunctionCallingLLM.{how}chat_with_tools", late=True)
            for how in ("", "a")
        ),
    )

    def __init__(self) -> None:
        self._routes: dict[str, Callable[[Any, Call], Route | None]] = {
            "run": self._run,
            "call_tool": self._agents_tool,
            "call": self._tool,
            "query": self._engine,
            "chat": self._engine,
            "retrieve": self._retrieval,
            "predict": self._chat,
            "chat_with_tools": self._chat,
            **dict.fromkeys(_EMBEDDINGS, self._embedding),
        }

    def route(self, call: Call) -> Route | None:
        """By what was called; what is below a wrapper gets its owner as the first argument."""
        _, _, name = call.point.removesuffix(".__wrapped__").rpartition(".")
        if call.instance is None:
            call = Call(call.args[0], call.args[1:], call.kwargs, call.point)
        route = self._routes.get(name) or self._routes[name[1:]]
        return route(call.instance, call)

    def deliver(self, result: Any, running: Running) -> Any:
        """A workflow runs on in its tasks; an engine's stream is the caller's to read."""
        if (task := _task(result)) is not None:
            task.add_done_callback(lambda done: _ended(done, running))
        elif hasattr(member(getattr(result, "__dict__", {}), "response_gen"), "gi_frame"):
            result.response_gen = running.replaced(result.response_gen)
        else:
            running.finish(result)
        return result

    def _run(self, owner: Any, call: Call) -> Route | None:
        given = call.named("user_msg", "chat_history")
        agent = any(kind.__name__ == "BaseWorkflowAgent" for kind in type(owner).__mro__)
        if call.point == "Workflow.run" and (agent or type(owner).__name__ == "AgentWorkflow"):
            return None  # part of their own `run`
        name = fitting(getattr(owner, "_workflow_name", None), str) or type(owner).__name__
        return Route(self.agent if agent else self.workflow, {"owner": owner, "given": given, "name": name}, None)

    def _agents_tool(self, owner: Any, call: Call) -> Route:
        asked = call.named("ctx", "ev")["ev"]
        known = [tool for tool in items(owner, "tools") if get(tool, "metadata.name") == asked.tool_name]
        description = get(known[0], "metadata.description") if known else None
        body = {"name": asked.tool_name, "call_id": asked.tool_id, "description": description}
        return Route(self.tool, {**body, "arguments": asked.tool_kwargs}, None)

    def _tool(self, owner: Any, call: Call) -> Route:
        known = owner.metadata
        arguments = call.kwargs if not call.args else {"args": list(call.args), **call.kwargs}
        body = {"name": known.name, "description": known.description, "call_id": None, "arguments": dict(arguments)}
        return Route(self.tool, body, None)

    def _engine(self, owner: Any, call: Call) -> Route:
        given = call.named("query" if "query" in call.point else "message", "chat_history")
        given = {**given, "query": given.get("query") or given.get("str_or_query_bundle")}
        return Route(self.workflow, {"owner": owner, "given": given, "name": type(owner).__name__}, None)

    def _retrieval(self, owner: Any, call: Call) -> Route:
        body = {"retriever": owner, "query": call.named("str_or_query_bundle").get("str_or_query_bundle")}
        return Route(self.retrieval, body, None)

    def _embedding(self, owner: Any, call: Call) -> Route:
        del call
        return Route(self.embedding, owner, _provider(owner, "Embedding"))

    def _chat(self, owner: Any, call: Call) -> Route:
        given = call.named("tools", "user_msg", "chat_history") if "with_tools" in call.point else {}
        return Route(self.chat, {"model": owner, "given": given}, _provider(owner, "LLM"))


def _task(result: Any) -> Any:
    """What a workflow's handler waits for; older ones are futures themselves."""
    task = getattr(result, "_result_task", None)
    return task or (result if hasattr(result, "stream_events") and hasattr(result, "add_done_callback") else None)


def _ended(done: Any, running: Running) -> None:
    """How a run ended, without making asyncio believe that somebody looked at its error."""
    if done.cancelled():
        running.closed()
    elif (error := done._exception) is not None:
        running.fail(error)
    else:
        running.finish(done.result())
