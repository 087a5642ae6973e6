"""Every attribute of the registries is indexed by the type that the registry gives it. No Elasticsearch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from native.stack import REPOSITORY
from throughline import names
from throughline.records import proof
from throughline.store import attributes
from throughline.store.attributes import APART, ATTRIBUTES
from throughline.store.templates import KINDS

REGISTRY = REPOSITORY / "instrumentation" / "registry"
BY_TYPE: dict[str, attributes.Mapping] = {
    "int": attributes.LONG,
    "double": attributes.DOUBLE,
    "boolean": attributes.BOOLEAN,
    "string": attributes.KEYWORD,
    "string[]": attributes.KEYWORD,
    "any": attributes.TEXT,
}
# What people write, and look for words in.
PROSE = {
    names.AGENT_DESCRIPTION,
    names.EVALUATION_EXPLANATION,
    names.MEMORY_QUERY_TEXT,
    names.REJECTED_DOCUMENT,
    names.RETRIEVAL_QUERY_TEXT,
    names.TOOL_DESCRIPTION,
}

# What proves a record is computed with, not searched by.
PROOF = {
    names.CHAIN_DIGEST,
    names.CHAIN_PREVIOUS,
    names.CHAIN_SALT,
    names.CHAIN_SALTED,
    names.CHECKPOINT_STATEMENT,
    names.CONTENT_SALT,
    names.CONTENT_SEALED,
    names.GAP_PREVIOUS,
}


def declared() -> Iterator[tuple[str, Any]]:
    for path in sorted(REGISTRY.rglob("*.yaml")):
        yield from ((entry["key"], entry["type"]) for entry in yaml.safe_load(path.read_text()).get("attributes", ()))


@pytest.mark.parametrize(("name", "kind"), list(declared()))
def test_an_attribute_is_indexed_by_its_type(name: str, kind: Any) -> None:
    if isinstance(kind, str) and kind.startswith("template"):
        return  # a family of names, `gen_ai.prompt.variable.<name>`: kept, not indexed
    by_type = BY_TYPE["string" if isinstance(kind, dict) else kind]
    expected = attributes.TEXT if name in PROSE else attributes.KEPT if name in PROOF else by_type
    assert ATTRIBUTES[name] == expected


def test_content_is_indexed_in_its_own_documents_only() -> None:
    fields = {kind.name: kind.mapping["properties"]["attributes"]["properties"].keys() for kind in KINDS}
    assert set(proof.CONTENT) < set(APART) <= fields["contents"]
    for kind in ("records", "operations", "evaluations", "audit"):
        assert not fields[kind] & set(APART), kind


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
