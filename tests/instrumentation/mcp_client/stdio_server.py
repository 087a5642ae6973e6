"""A server process for the tests, which answers with what it recorded itself and with what reached it. No test."""

from __future__ import annotations

import json
import logging
from typing import Any

from instrumentation.mcp_client.sessions import server
from instrumentation.telemetry import Telemetry, plain


def main() -> None:
    logging.disable()
    telemetry = Telemetry()
    telemetry.instrument()
    made = server()

    @made.tool()
    async def recorded() -> str:
        """What was recorded here so far."""
        return json.dumps([shown(span) for span in telemetry.spans()])

    made.run("stdio")


def shown(span: Any) -> dict[str, Any]:
    parent = f"{span.parent.trace_id:032x}{span.parent.span_id:016x}" if span.parent else None
    return {"name": span.name, "parent": parent, "attributes": plain(span.attributes)}


if __name__ == "__main__":
    main()
