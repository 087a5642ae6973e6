"""Answers that are stored, in the shape in which the Collector writes them: what each is follows from its arguments."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from throughline import names

RECORDS, CONTENTS, EVALUATIONS = (f"logs-genai.{kind}.otel-scores" for kind in ("record", "content", "evaluation"))
PASSAGE = "Most claims are settled within ten working days. The portal shows the state."
GROUNDED = "Most claims are settled within ten working days."
"""All six of its words are in the passage."""
Document = dict[str, Any]


def message(role: str, text: str, **more: Any) -> Document:
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


@dataclass
class Given:
    """One request: a retrieval, and the answer of a model."""

    prompt: str
    """Of this test alone, so that it finds its own."""
    text: str = GROUNDED
    user: str = "ada"
    variant: str = "b"
    environment: str = "staging"
    documents: list[Document] | None = field(default_factory=lambda: [{"id": "1", "content": PASSAGE}])
    said: Mapping[str, Any] | None = None
    """The content instead of that text; empty: none was recorded."""
    more: Mapping[str, Any] = field(default_factory=dict)
    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    span: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def record_id(self) -> str:
        return self.trace + self.span

    @property
    def response_id(self) -> str:
        return f"r-{self.span}"

    def documents_of(self) -> Iterable[tuple[str, str, Document]]:
        """(stream, id, document) of all that is stored of it."""
        yield RECORDS, self.record_id, self._document(self._known())
        said = self.said if self.said is not None else self._messages()
        if said:
            yield CONTENTS, self.record_id, self._document({names.RECORD_ID: self.record_id, **said})
        if self.documents is not None:
            identity = f"{self.trace}{'e' * 16}"
            yield RECORDS, identity, self._document({names.OPERATION_NAME: "retrieval", names.PROMPT_NAME: self.prompt})
            found = {names.RECORD_ID: identity, names.RETRIEVAL_DOCUMENTS: self.documents}
            yield CONTENTS, identity, self._document(found)

    def _messages(self) -> Document:
        asked = [message("system", "Answer from the passages."), message("user", "How long does it take?")]
        return {
            names.INPUT_MESSAGES: asked,
            names.OUTPUT_MESSAGES: [message("assistant", self.text, finish_reason="stop")],
        }

    def _known(self) -> Document:
        return {
            names.RECORD_ID: self.record_id,
            names.OPERATION_NAME: "chat",
            names.REQUEST_MODEL: "small",
            names.RESPONSE_ID: self.response_id,
            names.USER_ID: self.user,
            names.SESSION_ID: "s-1",
            names.CONVERSATION_ID: "c-1",
            names.PROMPT_NAME: self.prompt,
            names.PROMPT_VERSION: "3",
            names.PROMPT_VARIANT: self.variant,
            names.PROMPT_VARIABLES: ["passages", "question"],
            names.EXPERIMENT_NAME: "wording",
            **self.more,
        }

    def _document(self, attributes: Document) -> Document:
        resource = {"service.name": "desk", names.DEPLOYMENT_ENVIRONMENT_NAME: self.environment}
        return {
            "@timestamp": f"{time.time_ns() // 1_000_000}.0",
            "trace_id": self.trace,
            "span_id": self.span,
            "event_name": names.CLIENT_INFERENCE_OPERATION_DETAILS,
            "attributes": attributes,
            "resource": {"attributes": resource},
        }


def store(client: Elasticsearch, *given: Given) -> None:
    """Put all of it into Elasticsearch, to be found at once."""
    actions = (
        {"_op_type": "create", "_index": stream, "_id": identity, "_source": document}
        for each in given
        for stream, identity, document in each.documents_of()
    )
    bulk(client, actions, refresh=True, chunk_size=200)
