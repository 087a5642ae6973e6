"""LangChain: chat models, text models, retrievers and tools, whichever classes there are. Chains make no spans.

A model or retriever gives way to the client below it, where that one is recorded too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.langchain_messages import add_usage, answer, read_finish, read_message, tool_definition
from throughline.operation import Operation, Part, fitting
from throughline.parts import get, items, member, message, parsed, text
from throughline.servers import server

_CHAT = "langchain_core.language_models.chat_models:BaseChatModel"
_TEXT = "langchain_core.language_models.llms:BaseLLM"
_RETRIEVER = "langchain_core.retrievers:BaseRetriever"
_TOOL = "langchain_core.tools.base:BaseTool"
_PROVIDERS = {  # as LangChain calls them → as the conventions do
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
_TOLD = ("finish_reason", "stop_reason", "done_reason", "stopReason", "model_name", "model", "id")
_COLLECTIONS = ("collection_name", "_collection_name", "index_name", "_index_name")
_OWN_ID = ("lc_", "run-")  # how the ids begin that LangChain makes up where the provider sent none
_JSON = ("json_object", "json_schema")


class _Model(Reader):
    gives_way = True
    params = {
        "model": "known.ls_model_name",
        "temperature": "known.ls_temperature",
        "max_tokens": "known.ls_max_tokens",
        "stop_sequences": "known.ls_stop",
        "top_p": "model.top_p | given.top_p",
        "top_k": "model.top_k | given.top_k",
        "seed": "model.seed | given.seed",
        "frequency_penalty": "model.frequency_penalty | given.frequency_penalty",
        "presence_penalty": "model.presence_penalty | given.presence_penalty",
        "choice_count": "model.n | given.n",
        "stream": "stream",
    }


class Chat(_Model):
    """A chat model's call for one conversation."""

    params = {**_Model.params, "reasoning_level": "model.reasoning_effort | given.reasoning_effort"}
    results = {
        "response_id": "response_metadata.id",
        "response_model": "response_metadata.model | response_metadata.model_name",
        "input_tokens": "usage_metadata.input_tokens",
        "output_tokens": "usage_metadata.output_tokens",
        "cache_read_tokens": "usage_metadata.input_token_details.cache_read",
        "cache_creation_tokens": "usage_metadata.input_token_details.cache_creation",
        "reasoning_tokens": "usage_metadata.output_token_details.reasoning",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        wanted = get(body, "given.response_format") or get(body, "model.model_kwargs.response_format")
        op.output_type = "json" if get(wanted, "type") in _JSON else None

    def request_content(self, op: Operation, body: Any) -> None:
        asked = body["asked"]
        if body["stream"]:
            asked = body["model"]._convert_input(asked).to_messages()
        op.input = [read_message(said) for said in asked]
        op.tools = [tool_definition(offered) for offered in items(body, "given.tools")]

    def response(self, op: Operation, body: Any) -> None:
        said = [get(choice, "message") for choice in items(body, "generations")] or [body]
        super().response(op, said[0])
        read_finish(op, said)
        own = fitting(member(said[0], "id"), str)
        if op.response_id is None and own and not own.startswith(_OWN_ID):
            op.response_id = own

    def response_content(self, op: Operation, body: Any) -> None:
        said = [get(choice, "message") for choice in items(body, "generations")] or _joined(items(body, "chunks"))
        reasons = [*(op.finish_reasons or ()), *[op.end_reason or "error"] * len(said)]
        op.output = [answer(one, reason) for one, reason in zip(said, reasons, strict=False)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if usage := chunk.usage_metadata:
            add_usage(whole.setdefault("usage_metadata", {}), usage)
        if told := chunk.response_metadata:
            known = whole.setdefault("response_metadata", {})
            known.update({key: told[key] for key in _TOLD if told.get(key)})
        if "id" not in whole:
            whole["id"] = chunk.id

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        whole.setdefault("chunks", []).append(chunk)


def _joined(chunks: Any) -> list[Any]:
    """The message that the chunks make, joined as LangChain itself does it."""
    if not chunks:
        return []
    first, *rest = chunks
    return [first + rest if rest else first]


class Text(_Model):
    """A text model's call, for one prompt or several."""

    operation = "text_completion"
    results = {
        "response_id": "llm_output.id",
        "response_model": "llm_output.model_name",
        "input_tokens": "llm_output.token_usage.prompt_tokens",
        "output_tokens": "llm_output.token_usage.completion_tokens",
    }

    def request_content(self, op: Operation, body: Any) -> None:
        asked = body["asked"]
        prompts = [body["model"]._convert_input(asked).to_string()] if body["stream"] else asked
        op.input = [message("user", [text(prompt)]) for prompt in prompts]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        infos = [member(one, "generation_info") for one in _completions(body)]
        read_finish(op, [{"response_metadata": info} for info in infos])

    def response_content(self, op: Operation, body: Any) -> None:
        said = [get(one, "text", "") for one in _completions(body)] or ["".join(items(body, "chunks"))]
        reasons = [*(op.finish_reasons or ()), *[op.end_reason or "error"] * len(said)]
        op.output = [
            message("assistant", [text(one)], finish_reason=why) for one, why in zip(said, reasons, strict=False)
        ]

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        whole.setdefault("chunks", []).append(chunk)


def _completions(body: Any) -> list[Any]:
    return [one for choices in items(body, "generations") for one in choices]


class Retrieval(Reader):
    """A retriever asked once."""

    operation = "retrieval"
    gives_way = True
    params = {"retrieval_top_k": "retriever.k | retriever.top_k | retriever.search_kwargs.k"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        retriever = body["retriever"]
        store = member(retriever, "vectorstore")
        found = (member(store, name) for name in _COLLECTIONS)
        op.data_source = next((name for name in found if isinstance(name, str)), None) or member(retriever, "name")

    def request_content(self, op: Operation, body: Any) -> None:
        op.query = fitting(body["query"], str)

    def scores(self, body: Any) -> list[Any] | None:
        return [get(member(document, "metadata"), "score") for document in body] if isinstance(body, list) else None

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(document) for document in body] if isinstance(body, list) else None


def _document(document: Any) -> Part:
    told = member(document, "metadata")
    score = get(told, "score")
    known = {"id": member(document, "id") or get(told, "id"), "content": member(document, "page_content")}
    found = {key: value for key, value in known.items() if isinstance(value, str)}
    return {**found, "score": float(score)} if isinstance(score, (int, float)) else found


class Tool(Reader):
    """A tool's run."""

    operation, kind, encloses = "execute_tool", "internal", True
    pauses = frozenset({"GraphBubbleUp"})  # LangGraph stops to ask a human, or goes on elsewhere
    params = {"tool_name": "tool.name", "tool_description": "tool.description", "tool_call_id": "tool_call_id"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.tool_type = "function"

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = _visible(body["tool"], body["tool_input"])

    def response(self, op: Operation, body: Any) -> None:
        if member(body, "status") == "error":  # the tool made its exception a message for the model
            op.error_type = "tool_error"

    def response_content(self, op: Operation, body: Any) -> None:
        content = member(body, "content")
        op.tool_result = parsed(body if content is None else content)


def _visible(tool: Any, given: Any) -> Any:
    """The arguments that the model gave: without state, stores and the like that the application injects."""
    if not isinstance(given, Mapping):
        return parsed(given)
    hide = getattr(tool, "_filter_injected_args", None)
    own = hide(given) if hide is not None else given
    return {key: value for key, value in own.items() if value is None or isinstance(value, _PLAIN)}


_PLAIN = (str, int, float, bool, list, tuple, dict)


class LangChain(Adapter):
    """The waists of `langchain_core`: every model, retriever and tool that is made by subclassing passes them."""

    chat, text, retrieval, tool = Chat(), Text(), Retrieval(), Tool()
    patches = tuple(
        Patch(f"{owner}.{name}", late=True)
        for owner, names in (
            (_CHAT, ("_generate_with_cache", "_agenerate_with_cache", "stream", "astream")),
            (_TEXT, ("_generate_helper", "_agenerate_helper", "stream", "astream")),
            (_RETRIEVER, ("invoke", "ainvoke")),
            (_TOOL, ("run", "arun")),
        )
        for name in names
    )

    def __init__(self) -> None:
        self._routes: dict[str, Callable[[Call], Route]] = {
            "BaseChatModel": self._chat,
            "BaseLLM": self._text,
            "BaseRetriever": self._retriever,
            "BaseTool": self._tool,
        }

    def route(self, call: Call) -> Route | None:
        return self._routes[call.point.partition(".")[0]](call)

    def _chat(self, call: Call) -> Route:
        return _model_route(self.chat, call, ("asked", "stop", "run_manager"))

    def _text(self, call: Call) -> Route:
        return _model_route(self.text, call, ("asked", "stop", "run_managers"))

    def _retriever(self, call: Call) -> Route:
        return Route(self.retrieval, {"retriever": call.instance, "query": call.named("input").get("input")}, None)

    def _tool(self, call: Call) -> Route:
        given = call.named("tool_input")
        body = {"tool": call.instance, "tool_input": given["tool_input"], "tool_call_id": given.get("tool_call_id")}
        return Route(self.tool, body, None)

    def deliver(self, result: Any, running: Running) -> Any:
        if _from_cache(result):
            running.forget()
        else:
            running.finish(result)
        return result


def _model_route(reader: Reader, call: Call, positional: Iterable[str]) -> Route:
    """A stream's input is its caller's, which the model is still to make messages of; any other call has them."""
    stream = call.point.endswith("stream")
    given = call.named(*(("input", "config") if stream else positional))
    asked = next((given.pop(name) for name in ("asked", "input", "messages", "prompts") if name in given), ())
    model, stop = call.instance, given.pop("stop", None)
    for own in ("config", "run_manager", "run_managers", "new_arg_supported"):
        given.pop(own, None)
    known = model._get_ls_params(stop=stop, **given)
    body = {"model": model, "asked": asked, "given": given, "known": known, "stream": stream}
    provider = known.get("ls_provider")
    return Route(reader, body, _PROVIDERS.get(provider, provider), *_address(model))


def _address(model: Any) -> tuple[str | None, int | None]:
    return server(fitting(member(model, "base_url") or member(model, "endpoint_url"), str) or "")


def _from_cache(result: Any) -> bool:
    """Whether LangChain's cache answered and no model did: it says so by a cost of nothing amid the tokens."""
    choices = member(result, "generations") or ()
    usage = get(choices[0], "message.usage_metadata") if choices and not isinstance(choices[0], list) else None
    return isinstance(usage, dict) and "total_cost" in usage
