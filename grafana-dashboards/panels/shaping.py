"""What Grafana does to an answer before it draws it: columns chosen, put in order, renamed; and overrides by name."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue


def columns(names: Mapping[str, str]) -> list[DataTransformerConfig]:
    """Keep these columns of a table, in this order, under these names."""
    return [
        DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(names)}}),
        DataTransformerConfig(
            id_val="organize",
            options={
                "indexByName": {name: place for place, name in enumerate(names)},
                "renameByName": dict(names),
            },
        ),
    ]


def newest(names: Mapping[str, str], *by: str) -> list[DataTransformerConfig]:
    """Of documents that come newest first, the newest for each value of the fields `by`; then as `columns` does."""
    chosen: dict[str, object] = {name: {"operation": "aggregate", "aggregations": ["first"]} for name in names}
    fields = chosen | {name: {"operation": "groupby", "aggregations": []} for name in by}
    group = DataTransformerConfig(id_val="groupBy", options={"fields": fields})
    return [group, *columns({name if name in by else f"{name} (first)": title for name, title in names.items()})]


def beside(on: str, names: Mapping[str, str]) -> list[DataTransformerConfig]:
    """One table of two queries' documents, those of one `on` in one row; then as `columns` does."""
    kept, ordered = columns(names)
    return [kept, DataTransformerConfig(id_val="joinByField", options={"byField": on, "mode": "outer"}), ordered]


def properties(**values: object) -> list[DynamicConfigValue]:
    """Settings of one column or series; `custom_width` becomes `custom.width`."""
    return [DynamicConfigValue(id_val=_dotted(name), value=value) for name, value in values.items()]


def _dotted(name: str) -> str:
    return name.replace("custom_", "custom.", 1) if name.startswith("custom_") else name
