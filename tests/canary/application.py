"""An application that lets secrets into every corner of its calls; `ground.py` starts it, instrumented.

Writes each step's trace id into the file that it is given, prints nothing, and ends at SIGTERM.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openai
import throughline
from canary.planted import LOGIN, OWN, SECRETS, USER_ID, arguments, said
from opentelemetry import trace

WORDS = os.environ["CANARY_WORDS"]
TEXT = said(WORDS)
LONG = f"{TEXT}\n" * 60
URL = f"https://{LOGIN}@cdn.example.org/{WORDS}/{SECRETS['email']}.png?api_key={SECRETS['api_key']}"
Step = Callable[[openai.OpenAI], object]


def _messages(text: str = TEXT) -> list[dict[str, object]]:
    return [{"role": "system", "content": f"You serve {text}"}, {"role": "user", "content": text}]


def asks(api: openai.OpenAI) -> None:
    stop = [f"{WORDS} {SECRETS['email']}", SECRETS["password"]]
    api.chat.completions.create(model="echo", messages=_messages(), stop=stop, user=SECRETS["phone"])


def asks_at_length(api: openai.OpenAI) -> None:
    """Long enough to go into the content store."""
    api.chat.completions.create(model="echo", messages=_messages(LONG))


def streams(api: openai.OpenAI) -> None:
    for _ in api.chat.completions.create(model="echo", messages=_messages(), stream=True):
        pass


def streams_until_it_breaks(api: openai.OpenAI) -> None:
    with suppress(openai.APIError):
        for _ in api.chat.completions.create(model="breaking", messages=_messages(), stream=True):
            pass


def shows_files(api: openai.OpenAI) -> None:
    name = f"{WORDS} {SECRETS['email']} {SECRETS['phone']}.pdf"
    file = {"filename": name, "file_data": "data:application/pdf;base64,JVBERg=="}
    parts = [{"type": "text", "text": TEXT}, {"type": "file", "file": file}]
    pictures = [{"type": "image_url", "image_url": {"url": URL}}]
    uploaded = [{"type": "file", "file": {"filename": name, "file_id": f"file-{SECRETS['api_key']}"}}]
    api.chat.completions.create(model="echo", messages=[{"role": "user", "content": parts + pictures + uploaded}])
    api.audio.transcriptions.create(model="echo", file=(name, b"RIFF"), prompt=TEXT)


def uses_a_tool(api: openai.OpenAI) -> None:
    function = {"name": "pay", "description": arguments(WORDS), "parameters": {"title": TEXT}}
    tools = [{"type": "function", "function": function}]
    reply = api.chat.completions.create(model="echo", messages=_messages(), tools=tools)
    call = reply.choices[0].message.tool_calls[0]
    with trace.get_tracer("application").start_as_current_span("pay") as span:
        span.set_attributes({"paid.to": SECRETS["iban"], "paid.by": list(SECRETS.values())})
    turn = {"role": "assistant", "tool_calls": [call.model_dump()]}
    result = {"role": "tool", "tool_call_id": call.id, "content": call.function.arguments}
    api.chat.completions.create(model="echo", messages=[*_messages(), turn, result])


def uses_other_endpoints(api: openai.OpenAI) -> None:
    api.embeddings.create(model="echo", input=[TEXT, WORDS])
    api.responses.create(model="echo", instructions=TEXT, input=TEXT)
    with throughline.retrieval("files", query=TEXT) as retrieved:
        retrieved.documents = [{"id": "1", "score": 0.5, "content": TEXT, "title": f"{WORDS} {SECRETS['email']}"}]


def is_refused(api: openai.OpenAI) -> None:
    """The provider quotes what it was asked; the application deals with it inside its own span."""
    for model in ("refusing", "unauthorised", "failing"):
        with suppress(openai.APIStatusError):
            api.chat.completions.create(model=model, messages=_messages())


def cannot_connect(api: openai.OpenAI) -> None:
    with suppress(openai.APIConnectionError):
        api.with_options(base_url=f"http://{LOGIN}@127.0.0.1:1/{SECRETS['api_key']}").embeddings.create(
            model="echo", input=TEXT
        )


def rates(api: openai.OpenAI) -> None:
    throughline.evaluate("helpful", score=0.5, explanation=TEXT)


def logs(api: openai.OpenAI) -> None:
    """By its own logger, which says no more than secrets."""
    logging.getLogger("application").warning("cannot take %s", json.dumps(SECRETS))


def fails(api: openai.OpenAI) -> None:
    """What it raises itself, and what the provider raised, come through its own span; the SDK writes them there."""
    for model in ("echo", "refusing"):
        with (
            suppress(RuntimeError, openai.APIStatusError),
            trace.get_tracer("application").start_as_current_span("own"),
        ):
            api.chat.completions.create(model=model, messages=[{"role": "user", "content": said(OWN)}])
            raise RuntimeError(said(OWN))


STEPS: tuple[Step, ...] = (
    asks, asks_at_length, streams, streams_until_it_breaks, shows_files, uses_a_tool, uses_other_endpoints, is_refused,
    cannot_connect, rates, logs, fails,
)  # fmt: skip


def client() -> openai.OpenAI:
    """Its key, its headers, its address and its query are secrets, too."""
    return openai.OpenAI(
        api_key=SECRETS["api_key"],
        base_url=f"http://{LOGIN}@{os.environ['CANARY_MODEL']}/v1",
        default_headers={"x-on-behalf-of": f"{WORDS.encode().hex()} {SECRETS['email']} {SECRETS['aws_key']}"},
        default_query={"access_token": SECRETS["jwt"], "password": SECRETS["password"]},
        max_retries=0,
    )


def main(path: Path) -> None:
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    api, tracer = client(), trace.get_tracer("application")
    traces: dict[str, str] = {}
    for step in STEPS:
        who = throughline.identify(user_id=USER_ID, session_id=step.__name__, keep=True)
        with who, tracer.start_as_current_span(step.__name__) as span:
            traces[step.__name__] = f"{span.get_span_context().trace_id:032x}"
            step(api)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(traces))
    draft.replace(path)
    while not ending.wait(0.2):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
