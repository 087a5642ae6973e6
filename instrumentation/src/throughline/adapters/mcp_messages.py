"""What one MCP request says, asked or answered. Not about sessions: those are `mcp.py`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughline import names
from throughline.adapter import Reader
from throughline.operation import Operation
from throughline.parts import get, media, parsed
from throughline.servers import without_login

_OF_RESOURCES = ("resources/read", "resources/subscribe", "resources/unsubscribe")
_OWN_CODES = (408, -32000, -32001)
"""Codes by which a client says that no answer came: a time-out, a closed connection. They were in no response."""
_INVALID_PARAMS = "-32602"


@dataclass(slots=True)
class Message:
    """One request with what is known of its session."""

    method: str
    params: Any
    id: str | None = None
    protocol: str | None = None
    """The version of MCP that the two sides agreed on."""
    session: str | None = None
    network: str | None = None
    network_protocol: str | None = None
    http_version: str | None = None
    client_address: str | None = None
    client_port: int | None = None

    @property
    def target(self) -> str | None:
        """The name of the tool or prompt that it asks for."""
        name = get(self.params, "name")
        return name if isinstance(name, str) else None


class Request(Reader):
    """A request as the side that sends it sees it."""

    operation, encloses, measures = "execute_tool", True, "mcp.client"
    hands_over = ("mcp_method", "mcp_protocol", "network_transport", "network_protocol", "rpc_status")
    params = {
        "mcp_method": "method",
        "mcp_protocol": "protocol",
        "network_transport": "network",
        "network_protocol": "network_protocol",
        names.MCP_SESSION_ID: "session",
        names.JSONRPC_REQUEST_ID: "id",
        names.NETWORK_PROTOCOL_VERSION: "http_version",
    }

    def request(self, op: Operation, body: Message) -> None:
        """Only the call of a tool is a GenAI operation by name; all others have but a method."""
        super().request(op, body)
        op.name = self.operation if body.method == "tools/call" else None
        op.tool_name = body.target if op.name else None
        op.prompt_name = body.target if body.method == "prompts/get" else None
        if body.method in _OF_RESOURCES and (uri := get(body.params, "uri")):
            op.extra[names.MCP_RESOURCE_URI] = without_login(str(uri))  # a database's, say

    def span_name(self, op: Operation) -> str:
        return " ".join(filter(None, (op.mcp_method, op.tool_name or op.prompt_name)))

    def request_content(self, op: Operation, body: Message) -> None:
        if body.method == "tools/call":
            op.tool_arguments = parsed(get(body.params, "arguments"))

    def response(self, op: Operation, body: Any) -> None:
        result = _result(body)
        if type(result).__name__ == "ErrorData":
            op.error_type = op.rpc_status = str(get(result, "code"))
        elif op.name and (get(result, "isError") or get(result, "is_error")) is True:
            op.error_type = op.error_type or "tool_error"
        elif op.mcp_method == "initialize" and isinstance(version := _either(result, "protocolVersion"), str):
            op.mcp_protocol = version

    def response_content(self, op: Operation, body: Any) -> None:
        result = _result(body)
        if op.name and (content := get(result, "content")) is not None:
            structured = _either(result, "structuredContent")
            op.tool_result = {
                "content": [_block(block) for block in content],
                **({"structuredContent": parsed(structured)} if structured else {}),
            }

    def error(self, op: Operation, error: BaseException) -> str | None:
        """What JSON-RPC calls it."""
        code = get(error, "error.code")
        if isinstance(code, int):
            op.rpc_status = None if code in _OWN_CODES else str(code)
            return str(code)
        return None

    def joins(self, around: Operation, body: Message) -> bool:
        """A framework's tool that stands for one of a server has its name, perhaps after the server's own."""
        name, outer = body.target, around.tool_name
        if body.method != "tools/call" or around.name != "execute_tool" or not (name and outer):
            return False
        return outer.endswith(name) and around.mcp_method is None and names.MCP_METHOD_NAME not in around.extra


class Served(Request):
    """A request as the side that answers it sees it."""

    kind = "server"
    measures = "mcp.server"
    params = {**Request.params, names.CLIENT_ADDRESS: "client_address"}

    def request(self, op: Operation, body: Message) -> None:
        super().request(op, body)
        if isinstance(body.client_port, int):
            op.extra[names.CLIENT_PORT] = body.client_port

    def error(self, op: Operation, error: BaseException) -> str | None:
        """What a model refused, the library answers as wrong parameters."""
        if type(error).__name__ != "ValidationError":
            return super().error(op, error)
        op.rpc_status = _INVALID_PARAMS
        return _INVALID_PARAMS

    def joins(self, around: Operation, body: Message) -> bool:
        """The other side of a call is another operation, also where both are in one process."""
        del around, body
        return False


def _result(body: Any) -> Any:
    """The result inside what the first generation of the library wraps it into."""
    return get(body, "root") or body


def _either(result: Any, name: str) -> Any:
    """A value by its name on the wire, or by the one that the second generation's models have for it."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    found = get(result, name)
    return get(result, snake) if found is None else found


def _block(block: Any) -> Any:
    """One block of a tool's result, media in it as a reference."""
    data, mime = get(block, "data"), _either(block, "mimeType")
    if isinstance(data, str) and mime:
        return media(str(get(block, "type")), f"data:{mime};base64,{data}")
    plain = {key: value for key, value in parsed(block).items() if value is not None}
    resource = get(plain, "resource")
    if isinstance(blob := get(resource, "blob"), str):
        return {**plain, "resource": {**resource, "blob": media("document", f"data:;base64,{blob}")["uri"]}}
    return plain
