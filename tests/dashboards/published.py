"""Grafana's published schema of the pinned version, and what in a board it objects to. It knows no board.

The types of @grafana/schema (schema/generate.py) leave open what plugins decide: a panel's options, its `custom`
field configuration and its queries. Those are published beside them, so they are checked on their own; so is
each override, whose name and value must be those of the field configuration. Not published are the options of
the traces panel, the queries of Jaeger and of expressions, and what transformations take.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema

Plain = dict[str, Any]
FILE: Final = Path(__file__).parent / "schema" / "grafana.json"
WHOLE: Final[Plain] = json.loads(FILE.read_text())
_PARTS: Final[Plain] = WHOLE["definitions"]["Published"]["properties"]
OPTIONS: Final[Plain] = _PARTS["options"]["properties"]
CUSTOM: Final[Plain] = _PARTS["custom"]["properties"]
QUERIES: Final[Plain] = _PARTS["queries"]["properties"]
FIELD: Final[Plain] = _PARTS["fieldConfig"]["properties"]
UNPUBLISHED_PANELS: Final = frozenset({"row", "traces"})
UNPUBLISHED_QUERIES: Final = frozenset({"jaeger", "__expr__"})
OF_OTHER_VERSIONS: Final = {"variable": ("auto", "auto_count", "auto_min"), "table": ("footer",)}
"""What the foundation SDK always writes, though the pinned version's variables and tables do not read it."""


def objections(board: Plain) -> list[str]:
    """Where a board is not as Grafana publishes it."""
    board = _read(board)
    found = list(_against(_PARTS["dashboard"], board, "board"))
    for panel in board["panels"]:
        found += _of_panel(panel, f"panel {panel.get('title')!r}")
    return found


def passed_over(board: Plain) -> set[str]:
    """Which of `OF_OTHER_VERSIONS` the board holds."""
    variables, tables = _with_other_versions(board)
    kinds = (("variable", variables), ("table", tables))
    return {f"{kind}.{name}" for kind, each in kinds for name in OF_OTHER_VERSIONS[kind] for one in each if name in one}


def _with_other_versions(board: Plain) -> tuple[list[Plain], list[Plain]]:
    variables = (board.get("templating") or {}).get("list") or []
    return variables, [panel.get("options") or {} for panel in board["panels"] if panel["type"] == "table"]


def _read(board: Plain) -> Plain:
    """Without what other versions read."""
    copied = copy.deepcopy(board)
    for kind, each in zip(("variable", "table"), _with_other_versions(copied), strict=True):
        for one in each:
            for name in OF_OTHER_VERSIONS[kind]:
                one.pop(name, None)
    return copied


def _of_panel(panel: Plain, where: str) -> Iterator[str]:
    kind, config = panel["type"], panel.get("fieldConfig") or {}
    if kind not in OPTIONS and kind not in UNPUBLISHED_PANELS:
        yield f"{where}: no schema is published for the type {kind!r}"
    if kind in OPTIONS:
        yield from _against(_partial(OPTIONS[kind]), panel.get("options") or {}, f"{where}, options")
    custom = _partial(CUSTOM[kind]) if kind in CUSTOM else {"additionalProperties": False}
    yield from _against(custom, (config.get("defaults") or {}).get("custom") or {}, f"{where}, custom")
    for override in config.get("overrides") or []:
        for item in override["properties"]:
            yield from _of_override(item, custom, f"{where}, override {override['matcher'].get('options')!r}")
    for target in panel.get("targets") or []:
        source = (target.get("datasource") or panel.get("datasource") or {}).get("type")
        if source in QUERIES:
            yield from _against(QUERIES[source], target, f"{where}, query {target.get('refId')}")
        elif source not in UNPUBLISHED_QUERIES:
            yield f"{where}: no schema is published for queries of {source!r}"


def _of_override(item: Plain, custom: Plain, where: str) -> Iterator[str]:
    name = str(item["id"])
    schema = FIELD.get(name)
    if name.startswith("custom."):
        schema = custom
        for part in name.removeprefix("custom.").split("."):
            schema = _property(schema, part)
    if schema is None:
        yield f"{where}: no property {name!r}"
    else:
        yield from _against(_partial(schema), item.get("value"), f"{where}, {name}")


def _property(schema: Plain | None, name: str) -> Plain | None:
    """A property of an object, or of one of the objects that it may be."""
    for each in (schema or {}).get("anyOf", [schema or {}]):
        if name in each.get("properties", {}):
            return dict(each["properties"][name])
    return None


def _partial(schema: Any) -> Any:
    """The same without what is required: Grafana fills in what a panel's options lack."""
    if isinstance(schema, dict):
        return {
            name: _partial(value) for name, value in schema.items() if name != "required" or isinstance(value, dict)
        }
    return [_partial(each) for each in schema] if isinstance(schema, list) else schema


def _against(schema: Plain, value: Any, where: str) -> Iterator[str]:
    for error in jsonschema.Draft7Validator(schema).iter_errors(value):
        best = jsonschema.exceptions.best_match([error])
        yield f"{where}: {error.json_path[1:].lstrip('.')}: {best.message if best else error.message}"
