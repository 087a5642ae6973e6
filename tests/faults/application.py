"""An application under load: several threads make model calls, and each call that has returned is written down.

Started by `ground.py` under opentelemetry-instrument; the line in the file comes after the call's return, so whatever
stands there must have a record. SIGTERM lets it finish what runs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid

import openai
import throughline

THREADS = 4
PROMPT = "What does the dental plan pay for a crown? " * 20


def call(client: openai.OpenAI, identity: str, *, streamed: bool) -> None:
    messages: list[dict[str, str]] = [{"role": "user", "content": PROMPT}]
    with throughline.identify(session_id=identity, user_id="load"):
        if streamed:
            for _ in client.chat.completions.create(model="sim-small", messages=messages, stream=True):
                pass
        else:
            client.chat.completions.create(model="sim-small", messages=messages)


def work(client: openai.OpenAI, returned: int, ending: threading.Event) -> None:
    number = 0
    while not ending.is_set():
        number += 1
        identity = uuid.uuid4().hex
        call(client, identity, streamed=number % 4 == 0)
        os.write(returned, f"{identity}\n".encode())


def main(path: str) -> None:
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    returned = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    client = openai.OpenAI(max_retries=0, timeout=30)
    threads = [threading.Thread(target=work, args=(client, returned, ending)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # join() without a time-out would not let the signal in
            thread.join(0.2)


if __name__ == "__main__":
    main(sys.argv[1])
