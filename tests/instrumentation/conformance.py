"""Checks of emitted telemetry against the pinned registry: names, types, enums, content schemas. Makes no calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import throughline
import yaml
from throughline import names

REGISTRY = Path(throughline.__file__).parents[2] / "registry"
CONVENTIONS = REGISTRY / "genai"
CORE_TYPES = {"client.port": "int", "server.port": "int", "http.response.status_code": "int"}
"""Of the core registry; the others are strings."""
NEWER = {"mcp.method.name": ("server/discover",)}
"""Values that the protocol has had since the pin; the enum is open."""
PYTHON_TYPES: dict[str, Any] = {
    "string": str, "int": int, "double": float, "boolean": bool, "string[]": list, "any": (str, list, dict, tuple),
}  # fmt: skip
OWN = (names.PROVIDER_NAME, names.OPERATION_NAME)
OWN_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""How a provider, or an application's own step, may be called that the registry does not list: the conventions allow
names of one's own."""
CONTENT_SCHEMAS = {
    names.INPUT_MESSAGES: "gen-ai-input-messages.json",
    names.OUTPUT_MESSAGES: "gen-ai-output-messages.json",
    names.SYSTEM_INSTRUCTIONS: "gen-ai-system-instructions.json",
    names.TOOL_DEFINITIONS: "gen-ai-tool-definitions.json",
    names.RETRIEVAL_DOCUMENTS: "gen-ai-retrieval-documents.json",
}
_INFERENCE = {names.RESPONSE_FINISH_REASONS, names.RESPONSE_ID, names.RESPONSE_MODEL, names.USAGE_INPUT_TOKENS,
              names.USAGE_OUTPUT_TOKENS, names.SERVER_ADDRESS, names.SERVER_PORT, names.REQUEST_MODEL}  # fmt: skip
RECOMMENDED = {
    "chat": _INFERENCE,
    "generate_content": _INFERENCE,
    "text_completion": _INFERENCE,
    "fetch_response": {names.RESPONSE_FINISH_REASONS, names.RESPONSE_ID, names.RESPONSE_MODEL, names.RESPONSE_STATUS,
                       names.SERVER_ADDRESS, names.SERVER_PORT},
    "embeddings": {names.EMBEDDINGS_DIMENSION_COUNT, names.REQUEST_ENCODING_FORMATS, names.RESPONSE_MODEL,
                   names.USAGE_INPUT_TOKENS, names.SERVER_ADDRESS, names.SERVER_PORT},
    "retrieval": {names.RETRIEVAL_TOP_K, names.DATA_SOURCE_ID},
}  # fmt: skip


@cache
def attribute_types() -> dict[str, Any]:
    """Attribute name → its type in the registries, a string or the definition of an enum."""
    found: dict[str, Any] = {}
    for path in [*CONVENTIONS.glob("*/registry.yaml"), REGISTRY / "throughline.yaml"]:
        content = yaml.safe_load(path.read_text())
        found |= {entry["key"]: entry["type"] for entry in content.get("attributes", ())}
        found |= {name: CORE_TYPES.get(name, "string") for name in content.get("core", ())}
    return found


@cache
def metric_definitions() -> dict[str, Any]:
    files = CONVENTIONS.glob("*/metrics.yaml")
    return {each["name"]: each for path in files for each in yaml.safe_load(path.read_text())["metrics"]}


def check_attributes(attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        assert name in attribute_types(), f"{name} is in no registry"
        kind = attribute_types()[name]
        if isinstance(kind, dict):
            known = [*(member["value"] for member in kind["members"]), *NEWER.get(name, ())]
            own = name in OWN and OWN_NAME.fullmatch(value)
            assert value in known or own, f"{name} may not be {value!r}"
        else:
            expected = PYTHON_TYPES[kind]
            assert isinstance(value, expected), f"{name} is {type(value).__name__}, not {kind}"
            assert kind == "boolean" or not isinstance(value, bool), name


def check_content(attributes: dict[str, Any]) -> Iterator[str]:
    """Validate each content attribute, a JSON string on spans, structured on events; yield what was there."""
    for name, schema in CONTENT_SCHEMAS.items():
        if name in attributes:
            value = attributes[name]
            structured = json.loads(value) if isinstance(value, str) else json.loads(json.dumps(value, default=dict))
            jsonschema.validate(structured, json.loads((CONVENTIONS / "gen-ai" / schema).read_text()))
            yield name
