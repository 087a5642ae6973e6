"""Pictures and sound in what only these endpoints have: bytes that come as they are made, sketches, uploads."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from instrumentation.openai_client.exchanges import DIGEST
from instrumentation.openai_client.exchanges_media import HELLO_BASE64, IMAGES_REPLY, SKETCH, drawing
from instrumentation.openai_client.joined import streaming
from instrumentation.openai_client.wire import answering, client, event_stream, http, json_response, stream_response
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

SPEAK: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "Hi."}
BLOCKS = [b"he", b"ll", b"o"]
draws_in_steps = pytest.mark.skipif(
    "stream" not in streaming(openai.resources.Images.generate), reason="this version does not stream pictures"
)


def speaking() -> Any:
    body = stream_response(iter(BLOCKS)).stream
    return lambda _request: http.Response(200, headers={"content-type": "audio/mpeg"}, stream=body)


def output(telemetry: Telemetry) -> Any:
    ((part,),) = [message["parts"] for message in json.loads(telemetry.attributes()[names.OUTPUT_MESSAGES])]
    return part


@pytest.mark.parametrize("how", ["blocks", "whole", "file"])
def test_sound_that_is_read_as_it_comes_is_referred_to(telemetry: Telemetry, tmp_path: Path, how: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with client(speaking()).audio.speech.with_streaming_response.create(**SPEAK) as response:
        match how:
            case "blocks":
                heard = b"".join(response.iter_bytes())
            case "whole":
                heard = response.read()
            case "file":
                response.stream_to_file(tmp_path / "hello.mp3")
                heard = (tmp_path / "hello.mp3").read_bytes()
    assert heard == b"hello"
    assert output(telemetry) == {"type": "uri", "modality": "audio", "uri": f"sha256:{DIGEST}", "size": 5}
    assert telemetry.attributes()[names.END_REASON] == "completed"


async def test_sound_is_referred_to_as_far_as_it_came(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    speech = client(speaking(), openai.AsyncOpenAI).audio.speech
    async with speech.with_streaming_response.create(**SPEAK) as response:
        assert await anext(aiter(response.iter_bytes())) == b"he"
    assert output(telemetry)["uri"] == f"sha256:{hashlib.sha256(b'he').hexdigest()}"
    assert telemetry.attributes()[names.END_REASON] in ("closed", "dropped")


def test_sound_without_content_is_neither_hashed_nor_kept(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.instrument()
    monkeypatch.setattr(hashlib, "sha256", None)
    with client(speaking()).audio.speech.with_streaming_response.create(**SPEAK) as response:
        assert b"".join(response.iter_bytes()) == b"hello"
    assert telemetry.attributes()[names.OUTPUT_TYPE] == "speech"


def test_sound_in_events_has_usage(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    usage = {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}
    events = [{"type": "speech.audio.delta", "audio": HELLO_BASE64}, {"type": "speech.audio.done", "usage": usage}]
    handler = answering(stream_response(event_stream(events, done=False)))
    speech = client(handler).audio.speech.with_streaming_response
    with speech.create(**SPEAK, extra_body={"stream_format": "sse"}) as response:
        list(response.iter_lines())
    found = telemetry.attributes()
    assert (found[names.USAGE_INPUT_TOKENS], found[names.USAGE_OUTPUT_TOKENS]) == (3, 9)
    assert (output(telemetry)["size"], found[names.REQUEST_STREAM]) == (5, True)


@pytest.mark.parametrize("way", ["reply", "raw", "lazy"])
@pytest.mark.parametrize("form", ["text", "srt"])
def test_a_transcript_as_text_is_what_was_said(telemetry: Telemetry, way: str, form: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    handler = answering(lambda: http.Response(200, content=b"Hello.", headers={"content-type": "text/plain"}))
    heard, arguments = client(handler).audio.transcriptions, {"model": "whisper-1", "file": b"hello"}
    match way:
        case "reply":
            assert heard.create(**arguments, response_format=form) == "Hello."
        case "raw":
            assert heard.with_raw_response.create(**arguments, response_format=form).parse() == "Hello."
        case "lazy":
            with heard.with_streaming_response.create(**arguments, response_format=form) as response:
                assert response.read() == b"Hello."
    assert output(telemetry) == {"type": "text", "content": "Hello."}
    assert telemetry.attributes()[names.END_REASON] == "completed"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_a_translation_is_recorded_like_a_transcript(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(json_response({"text": "Hello."}))).audio.translations.create(model="whisper-1", file=b"hello")
    assert telemetry.span().name == "generate_content whisper-1"


@pytest.mark.parametrize("kind", ["opened", "path", "unnamed"])
def test_what_is_uploaded_is_left_alone(telemetry: Telemetry, tmp_path: Path, kind: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    path, sent = tmp_path / "hello.wav", []
    path.write_bytes(b"hello")

    def handler(request: Any) -> Any:
        sent.append(request.read())
        return json_response({"text": "Hello."})

    with path.open("rb") as opened:
        given: Any = {"opened": opened, "path": path, "unnamed": io.BytesIO(b"hello")}[kind]
        client(handler).audio.transcriptions.create(model="whisper-1", file=given)
    assert b"hello" in sent[0]
    ((part,),) = [message["parts"] for message in json.loads(telemetry.attributes()[names.INPUT_MESSAGES])]
    assert (
        part
        == {
            "opened": {"type": "upload", "modality": "audio", "name": "hello.wav"},
            "path": {
                "type": "uri",
                "modality": "audio",
                "uri": f"sha256:{DIGEST}",
                "size": 5,
            },  # the client has read it
            "unnamed": {"type": "upload", "modality": "audio"},
        }[kind]
    )


@draws_in_steps
def test_a_picture_broken_off_is_its_last_sketch(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    handler = answering(stream_response(event_stream(drawing("image_generation"), named=True, done=False)))
    with client(handler).images.generate(model="gpt-image-1", prompt="A cat.", stream=True) as stream:
        next(iter(stream))
    assert output(telemetry)["uri"] == f"sha256:{hashlib.sha256(b'sketch').hexdigest()}"
    assert telemetry.attributes()[names.END_REASON] == "closed"
    assert SKETCH not in telemetry.everything()


@draws_in_steps  # and takes one picture only
def test_every_picture_of_several_is_referred_to(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    several: Any = [("cat.png", b"hello", "image/png"), b"hello"]
    client(answering(json_response(IMAGES_REPLY))).images.edit(model="gpt-image-1", prompt="A hat.", image=several)
    (message,) = json.loads(telemetry.attributes()[names.INPUT_MESSAGES])
    assert [part.get("uri") for part in message["parts"]] == [None, f"sha256:{DIGEST}", f"sha256:{DIGEST}"]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_a_variation_has_no_prompt_and_its_bytes_go_nowhere(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(answering(json_response(IMAGES_REPLY))).images.create_variation(image=b"hello")
    assert telemetry.span().name == "generate_content"
    assert output(telemetry)["uri"] == f"sha256:{DIGEST}"
    assert HELLO_BASE64 not in telemetry.everything()


def test_pictures_are_moderated_by_reference(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{HELLO_BASE64}"}}
    client(answering(json_response({"id": "m", "model": "m", "results": []}))).moderations.create(input=[shown])
    (message,) = json.loads(telemetry.attributes()[names.INPUT_MESSAGES])
    assert message["parts"][0]["uri"] == f"sha256:{DIGEST}"
    assert HELLO_BASE64 not in telemetry.everything()
