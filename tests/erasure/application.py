"""An application whose users ask: a process of its own under opentelemetry-instrument. Nothing in it is a test's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import throughline

INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
SERVICE = "asked"


def ask(addresses: Mapping[str, str], *questions: Mapping[str, Any], **variables: str) -> None:
    """Run it until all that it recorded is delivered. A question has a user or a session, a text, and may fail."""
    environment = {
        "PATH": os.environ["PATH"],
        **addresses,
        "OTEL_SERVICE_NAME": SERVICE,
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        **variables,
    }
    arguments = [INSTRUMENT, sys.executable, __file__, json.dumps(questions)]
    subprocess.run(arguments, env=environment, timeout=100, check=True)


def answer(corpus: str, user: str | None, session: str | None, text: str, document: str, *, fails: bool) -> None:
    """Look something up for this user; that it is kept in the trace store is his wish, too."""
    with (
        suppress(KeyError),
        throughline.identify(user_id=user, session_id=session, keep=True),
        throughline.retrieval(corpus, query=text) as found,
    ):
        found.documents = [{"id": "1", "content": document}]
        throughline.evaluate("liked", score=1.0, explanation=text)
        if fails:
            {}[text]


def main(questions: list[dict[str, Any]]) -> None:
    for each in questions:
        who, said = (each.get("user"), each.get("session")), (each["text"], each.get("document", "found"))
        answer(each["corpus"], *who, *said, fails=bool(each.get("fails")))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
