"""What only Ollama's client has: functions of the module, tools that are functions, older embeddings, no connection."""

from __future__ import annotations

import inspect
from typing import Any

import httpx as http
import ollama
import pytest
from instrumentation.endings import one_end
from instrumentation.ollama_client.exchanges import ASKED, EMBEDDED, HELLO, HELLO_CHUNKS, MODEL, RECORDED, TOOLS
from instrumentation.ollama_client.wire import Ollama, client
from instrumentation.scenarios import answering, structured, without_time
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

WIRE = Ollama()
SCHEMAS = "dict[" in str(inspect.signature(ollama.Client.chat).parameters["format"])


def replying(body: Any = HELLO) -> Any:
    return answering(lambda: WIRE.body(body))


def streaming(sent: Any = HELLO_CHUNKS) -> Any:
    return answering(lambda: WIRE.event_stream(WIRE.events(sent)))


@pytest.mark.parametrize("streamed", [False, True])
def test_the_functions_of_the_module_are_recorded(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    transport = http.MockTransport(streaming() if streamed else replying())
    monkeypatch.setattr(ollama.chat.__self__, "_client", http.Client(transport=transport, base_url="http://[::1]:80"))
    telemetry.instrument()
    result: Any = ollama.chat(**ASKED, stream=streamed)
    assert len(list(result)) == len(HELLO_CHUNKS) if streamed else result.message.content == "Hello."
    found = without_time(telemetry.attributes(), chunks=streamed)
    also = {names.REQUEST_STREAM: True} if streamed else {}
    where = {names.SERVER_ADDRESS: "::1", names.SERVER_PORT: 80}
    assert found == {**RECORDED, **where, **also, names.END_REASON: "completed"}


def test_a_tool_may_be_a_function(telemetry: Telemetry) -> None:
    def weather(city: str) -> str:
        """The weather.

        Args:
          city: Where.
        """
        return city

    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    client(replying(TOOLS.reply)).chat(**ASKED, tools=[weather])
    (offered,) = structured(telemetry.attributes()[names.TOOL_DEFINITIONS])
    assert (offered["name"], list(offered["parameters"]["properties"])) == ("weather", ["city"])


def test_the_older_endpoint_embeds_one_text(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    client(replying({"embedding": [0.1, 0.2]})).embeddings(model=MODEL, prompt="Hello.")
    found = telemetry.attributes()
    assert found[names.EMBEDDINGS_DIMENSION_COUNT] == 2
    assert structured(found[names.INPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello."}]
    assert names.USAGE_INPUT_TOKENS not in found


def test_a_refusal_is_no_empty_answer(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with pytest.raises(ollama.ResponseError):
        client(answering(WIRE.refusals["no such model"][0])).chat(**ASKED)
    assert names.OUTPUT_MESSAGES not in telemetry.attributes()


@pytest.mark.skipif(not SCHEMAS, reason="this version takes only a word")
def test_a_schema_asks_for_json(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying()).chat(**ASKED, format={"type": "object"})
    assert telemetry.attributes()[names.OUTPUT_TYPE] == "json"


@pytest.mark.parametrize("streamed", [False, True])
def test_no_connection_is_what_the_client_makes_of_it(telemetry: Telemetry, streamed: bool) -> None:
    telemetry.instrument()
    api = client(answering(http.ConnectError("refused")))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - versions and ways differ
        _ = list(api.chat(**ASKED, stream=streamed))
    one_end(telemetry, "error", type(caught.value).__qualname__)


def test_a_trace_header_goes_where_the_owner_allowed_it(telemetry: Telemetry) -> None:
    telemetry.instrument(trace_hosts=frozenset({"models.example.org"}))
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers)
        return streaming()(request)

    list(client(handler).chat(**ASKED, stream=True))
    context = telemetry.span().context
    assert sent[0]["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


def test_the_management_of_models_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert client(replying({"models": []})).list().models == []
    assert list(client(streaming([{"status": "success"}])).pull(MODEL, stream=True))
    assert not telemetry.spans()


async def test_vectors_of_an_async_client(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(WIRE.answer(EMBEDDED, streamed=False)), ollama.AsyncClient, "https://models.example.org")
    assert len((await api.embed(**EMBEDDED.request)).embeddings) == 2
    assert telemetry.attributes()[names.SERVER_PORT] == 443
