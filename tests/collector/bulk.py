"""A stand-in for Elasticsearch's bulk API that refuses on command; it indexes nothing and answers no search."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Document = dict[str, Any]


@dataclass(slots=True)
class Bulk:
    """What arrived, by document id, and how to answer: `answers` are used up one a request, then `otherwise` holds.

    `contents` are what the Collector keeps apart from records under the same ids; `verdicts` are on records alone.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list)
    otherwise: int = 200
    verdicts: dict[str, list[int]] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    contents: dict[str, Document] = field(default_factory=dict)
    indices: dict[str, str] = field(default_factory=dict)
    conflicts: int = 0
    sizes: list[int] = field(default_factory=list)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: bytes) -> tuple[int, Document]:
        """The status and body for one bulk request."""
        with self.lock:
            status = self.answers.pop(0) if self.answers else self.otherwise
            if status != 200:
                self.refused += 1
                return status, {"error": {"type": "told_to", "reason": "told to"}}
            self.sizes.append(len(body))
            lines = body.splitlines()
            pairs = zip(lines[::2], lines[1::2], strict=True)
            return 200, {"items": [self._create(json.loads(head)["create"], json.loads(text)) for head, text in pairs]}

    def _create(self, head: Document, document: Document) -> Document:
        identity, index = head["_id"], head["_index"]
        known = self.contents if "genai.content" in index else self.documents
        status = self._verdict(identity, known)
        if status == 201:
            known[identity] = document
            if known is self.documents:
                self.indices[identity] = index
            return {"create": {"_index": index, "status": status}}
        self.conflicts += status == 409
        return {"create": {"_index": index, "status": status, "error": {"type": "told_to"}}}

    def _verdict(self, identity: str, known: dict[str, Document]) -> int:
        if known is self.documents and (remaining := self.verdicts.get(identity)):
            return remaining.pop(0)
        return 409 if identity in known else 201


@contextmanager
def bulk_api(**settings: Any) -> Iterator[Bulk]:
    """A bulk API on a free port for the length of the block."""
    bulk = Bulk(**settings)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status, reply = bulk.answer(body)
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_request(self, *_: object) -> None:
            """Silence: the default writes each request to stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        bulk.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield bulk
        server.shutdown()
        thread.join()
