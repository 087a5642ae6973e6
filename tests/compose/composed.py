"""The compose file as `docker compose config` resolves it: variables filled in, anchors merged; needs no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "deploy" / "compose"
OURS = "throughline-services"
Plain = dict[str, Any]

_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def pinned() -> dict[str, str]:
    """The variables of .env, by which every version is said."""
    lines = (FOLDER / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def variables() -> dict[str, str]:
    """Every variable that the file names, with its operator: `:-` has a default, `:?` must be set."""
    return {found[1]: found[2] or "" for found in _VARIABLE.finditer((FOLDER / "compose.yaml").read_text())}


def resolved(environment: Mapping[str, str] | None = None) -> Plain:
    """The merged file, in the environment given on top of .env."""
    known = pinned() | dict(environment or {})

    def value(found: re.Match[str]) -> str:
        name, operator, default = found[1], found[2], found[3]
        if operator == ":-":
            return known.get(name) or default
        return known[name]

    text = "\n".join(_VARIABLE.sub(value, line) for line in (FOLDER / "compose.yaml").read_text().splitlines())
    return dict(yaml.safe_load(text))


def addresses(service: Plain) -> Iterator[tuple[str, str, int]]:
    """Every `host:port` that a service is told, with the variable or the argument that tells it."""
    told = {name: str(value) for name, value in service.get("environment", {}).items() if value is not None}
    told |= {f"argument {word}": word for word in service.get("command", []) if "://" in word}
    for name, value in told.items():
        if found := re.fullmatch(r"(?:\w+://)?([\w.-]+):(\d+)(?:/.*)?", value):
            yield name, found[1], int(found[2])


def mounts(service: Plain) -> Iterator[tuple[str, str, bool]]:
    """Source, target and whether it may only be read, of each mount."""
    for mount in service.get("volumes", []):
        source, target, *mode = mount.split(":")
        yield source, target, mode == ["ro"]


def host_path(service: Plain, inside: str) -> Path:
    """The repository's file that a service sees under this path."""
    for source, target, _ in mounts(service):
        if source.startswith(".") and (inside == target or inside.startswith(f"{target}/")):
            return (FOLDER / source).resolve() / inside[len(target) :].lstrip("/")
    raise AssertionError(f"nothing is mounted at {inside}")
