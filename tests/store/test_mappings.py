"""Every attribute of the registries is indexed by the type that the registry gives it. No Elasticsearch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from native.stack import REPOSITORY
from throughline import names
from throughline.store import mappings
from throughline.store.templates import KINDS

REGISTRY = REPOSITORY / "instrumentation" / "registry"
BY_TYPE: dict[str, mappings.Mapping] = {
    "int": mappings.LONG,
    "double": mappings.DOUBLE,
    "boolean": mappings.BOOLEAN,
    "string": mappings.KEYWORD,
    "string[]": mappings.KEYWORD,
    "any": mappings.TEXT,
}
# What people write, and look for words in.
PROSE = {
    names.AGENT_DESCRIPTION,
    names.EVALUATION_EXPLANATION,
    names.MEMORY_QUERY_TEXT,
    names.RETRIEVAL_QUERY_TEXT,
    names.TOOL_DESCRIPTION,
}


def declared() -> Iterator[tuple[str, Any]]:
    for path in sorted(REGISTRY.rglob("*.yaml")):
        yield from ((entry["key"], entry["type"]) for entry in yaml.safe_load(path.read_text()).get("attributes", ()))


@pytest.mark.parametrize(("name", "kind"), list(declared()))
def test_an_attribute_is_indexed_by_its_type(name: str, kind: Any) -> None:
    if isinstance(kind, str) and kind.startswith("template"):
        return  # a family of names, `gen_ai.prompt.variable.<name>`: kept, not indexed
    expected = mappings.TEXT if name in PROSE else BY_TYPE["string" if isinstance(kind, dict) else kind]
    assert mappings.ATTRIBUTES[name] == expected


def test_a_record_and_an_evaluation_win_over_other_logs() -> None:
    priorities = {kind.name: kind.priority for kind in KINDS}
    assert min(priorities["records"], priorities["evaluations"]) > priorities["logs"]


def test_only_types_that_the_native_node_has_are_used() -> None:
    """It lacks match_only_text, constant_keyword, wildcard, scaled_float, histogram and aggregate_metric_double."""
    both = {"keyword", "text", "long", "double", "boolean", "byte", "date_nanos", "object"}
    assert set(types({kind.name: kind.mapping for kind in KINDS})) <= both


def types(mapping: Any) -> Iterator[str]:
    match mapping:
        case {"type": str(kind)}:
            yield kind
    if isinstance(mapping, dict):
        mapping = list(mapping.values())
    if isinstance(mapping, list):
        for inner in mapping:
            yield from types(inner)
