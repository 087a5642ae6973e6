"""What only AI21's client has: other clouds, a reply that names its model, and what is no operation of a model."""

from __future__ import annotations

import base64
import json
from typing import Any

import ai21
import boto3
import httpx as http
import pytest
from ai21.clients.bedrock.ai21_bedrock_client import AI21BedrockClient, AsyncAI21BedrockClient
from ai21.clients.vertex.ai21_vertex_client import AI21VertexClient, AsyncAI21VertexClient
from ai21.models import ChatMessage as JurassicMessage
from ai21.models import RoleType
from instrumentation.ai21_client.exchanges import ASKED, RECORDED, USAGE, choice, chunk, chunks, reply
from instrumentation.ai21_client.wire import AI21, client
from instrumentation.aws_frames import event
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

WIRE = AI21()
AZURE = {"base_url": "https://jamba.eastus.models.ai.azure.com", "api_key": "key"}
SESSION = boto3.Session(aws_access_key_id="a", aws_secret_access_key="s", region_name="us-east-1")
VERTEX = {"region": "us-central1", "project_id": "p", "access_token": "t"}
CLOUDS = [
    (ai21.AI21AzureClient, AZURE, "azure.ai.inference", "jamba.eastus.models.ai.azure.com"),
    (ai21.AsyncAI21AzureClient, AZURE, "azure.ai.inference", "jamba.eastus.models.ai.azure.com"),
    (AI21BedrockClient, {"session": SESSION}, "aws.bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
    (AsyncAI21BedrockClient, {"session": SESSION}, "aws.bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
    (AI21VertexClient, VERTEX, "gcp.vertex_ai", "us-central1-aiplatform.googleapis.com"),
    (AsyncAI21VertexClient, VERTEX, "gcp.vertex_ai", "us-central1-aiplatform.googleapis.com"),
]


def replying(body: Any = None) -> Any:
    return answering(lambda: http.Response(200, json=body or reply(choice("Hello."))))


def in_frames(told: Any) -> bytes:
    """A chunk in Bedrock's frames, written as closely as its server does, which the client looks for."""
    written = json.dumps(told, separators=(",", ":")).encode()
    return event("chunk", {"bytes": base64.b64encode(written).decode()})


@pytest.mark.parametrize(("cls", "options", "provider", "host"), CLOUDS)
async def test_other_clouds_are_named_and_keep_the_model(
    telemetry: Telemetry, cls: Any, options: dict[str, Any], provider: str, host: str
) -> None:
    telemetry.instrument()
    way = "async reply" if "Async" in cls.__name__ else "reply"
    await WIRE.call(way, client(replying(), cls, **options), ASKED)
    expected = {**RECORDED, names.PROVIDER_NAME: provider, names.SERVER_ADDRESS: host}
    assert without_time(telemetry.attributes(), chunks=False) == {**expected, names.END_REASON: "completed"}


def test_a_stream_of_bedrock_comes_in_its_own_frames(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    sent = [*chunks("Hel", "lo.")[:-1], chunk({"content": ""}, "stop")]
    frames = [in_frames(told) for told in (*sent, {"usage": USAGE})]
    api = client(lambda _request: http.Response(200, content=iter(frames)), AI21BedrockClient, session=SESSION)
    assert len(list(WIRE.stream(api, ASKED))) == len(sent)
    found = without_time(telemetry.attributes(), chunks=True)
    assert content_of(found)[names.OUTPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Hello."}]
    assert (found[names.USAGE_OUTPUT_TOKENS], found[names.RESPONSE_FINISH_REASONS]) == (7, ["stop"])


def test_a_reply_that_names_its_model(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying(reply(choice("Hello."), model="jamba-large-9"))).chat.completions.create(**ASKED)
    assert telemetry.attributes()[names.RESPONSE_MODEL] == "jamba-large-9"


def test_a_chat_with_jurassic_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    asked = [JurassicMessage(role=RoleType.USER, text="Say hello.")]
    answer = {"outputs": [{"text": "Hello.", "role": "assistant", "finishReason": {"reason": "endoftext"}}]}
    assert client(replying(answer)).chat.create(model="j2-ultra", messages=asked, system="").outputs
    assert not telemetry.spans()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_ones_own_proxy_gets_the_trace_with_each_attempt_and_nobody_else_does(
    telemetry: Telemetry, asynchronous: bool
) -> None:
    telemetry.instrument(trace_hosts=frozenset({"proxy.internal"}))
    seen: list[http.Request] = []

    def handler(request: http.Request) -> http.Response:
        seen.append(request)
        return http.Response(503 if len(seen) == 1 else 200, json=reply(choice("Hello.")))

    for host in ("proxy.internal", "api.ai21.com"):
        api = WIRE.api(handler, asynchronous=asynchronous, retries=1)
        api._base_url = f"https://{host}/studio/v1"
        await WIRE.call("async reply" if asynchronous else "reply", api, ASKED)
    refused, answered, elsewhere = (request.headers.get("traceparent") for request in seen)
    span = telemetry.spans()[0].context
    assert refused == answered
    assert str(answered).startswith(f"00-{span.trace_id:032x}-{span.span_id:016x}-")
    assert elsewhere is None
    assert "traceparent" not in api._headers
