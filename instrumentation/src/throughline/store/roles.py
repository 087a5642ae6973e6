"""Who may do what in Elasticsearch: the roles, and an API key for each that is asked for; it makes no user.

Only what the free licence has: a role is bounded by data streams. So content lies in streams of its own, and whoever
may read spans or ordinary logs may read content, too, because an application may put it there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from elasticsearch import ApiError, BadRequestError, Elasticsearch

from throughline.private_files import write_private

Privileges = dict[str, Any]

METADATA: Final = (
    "logs-genai.record.otel-*",
    "logs-genai.operation.otel-*",
    "logs-genai.evaluation.otel-*",
    "logs-genai.audit.otel-*",
    "logs-genai.report.otel-*",
    "metrics-*.otel-*",
)
CONTENT: Final = ("logs-genai.content.otel-*", "logs-genai.rejected.otel-*", "logs-generic.otel-*", "traces-*.otel-*")
WRITTEN: Final = ("logs-*.otel-*", "metrics-*.otel-*", "traces-*.otel-*")
CORPUS: Final = ("throughline-corpus",)
_READ: Final = ("read", "view_index_metadata")


@dataclass(frozen=True, slots=True)
class Role:
    """What the holder of one of its keys may do, and nothing else."""

    name: str
    cluster: tuple[str, ...] = ()
    indices: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """As Elasticsearch lists it, for the role and for its key."""
        return f"throughline-{self.name}"

    @property
    def variable(self) -> str:
        """Names the file that is to hold a key of this role."""
        return f"THROUGHLINE_{self.name.upper()}_API_KEY_FILE"

    @property
    def privileges(self) -> Privileges:
        """As Elasticsearch writes them."""
        granted = [
            {"names": sorted(names), "privileges": sorted(privileges)} for names, privileges in self.indices.items()
        ]
        return {"cluster": sorted(self.cluster), "indices": granted}

    @property
    def digest(self) -> str:
        """Tells whether a role or key that is there was made from this form of it."""
        return hashlib.sha256(json.dumps(self.privileges, sort_keys=True).encode()).hexdigest()


ROLES: Final = (
    Role("writer", indices={WRITTEN: ("create_doc", "auto_configure")}),
    Role("reader", ("monitor",), {METADATA: _READ}),
    Role("auditor", ("monitor",), {(*METADATA, *CONTENT): _READ}),
    # Whom he erases may be among Jaeger's own spans, too.
    Role("operator", ("monitor", "manage_index_templates"), {(*WRITTEN, "jaeger-span-*"): ("manage", "read", "write")}),
    # Not of the evidence: the passages of the shipped services, and the indices that Jaeger keeps in compose.
    Role("librarian", ("monitor",), {CORPUS: ("manage", "read", "write")}),
    Role("retriever", indices={CORPUS: ("read",)}),
    Role("jaeger", ("monitor", "manage_index_templates"), {("jaeger-*",): ("manage", "read", "write")}),
)


def provision(client: Elasticsearch, environment: Mapping[str, str]) -> list[str]:
    """Make the roles, and each key whose file a variable names; returns what it changed, in words.

    Does nothing where Elasticsearch asks nobody who he is, or where the client may not do this.
    """
    if not _may_manage(client):
        return []
    changes = [change for role in ROLES for change in _role(client, role)]
    wanted = [(role, Path(path)) for role in ROLES if (path := environment.get(role.variable))]
    return changes + [change for role, file in wanted for change in _key(client, role, file)]


def _may_manage(client: Elasticsearch) -> bool:
    try:
        asked = client.security.has_privileges(cluster=["manage_security"])
    except BadRequestError:  # security is off, or this node has no such module
        return False
    except ApiError as error:
        if error.status_code in (405, 500):
            return False
        raise
    return bool(asked["has_all_requested"])


def _role(client: Elasticsearch, role: Role) -> Iterator[str]:
    present = client.options(ignore_status=404).security.get_role(name=role.full_name)
    if present.get(role.full_name, {}).get("metadata", {}).get("form") == role.digest:
        return
    client.security.put_role(name=role.full_name, refresh=False, metadata={"form": role.digest}, **role.privileges)
    yield f"made role {role.full_name}"


def _key(client: Elasticsearch, role: Role, file: Path) -> Iterator[str]:
    """A key that works and was made from this form of the role stays; any other of this name stops working."""
    if file.exists() and _works(client, role, file.read_text().strip()):
        return
    client.security.invalidate_api_key(name=role.full_name, owner=True)
    made = client.security.create_api_key(
        name=role.full_name,
        role_descriptors={role.full_name: role.privileges},
        metadata={"form": role.digest},
        refresh=True,  # the default waits a second for the next one; the search that ends an older key must find it
    )
    write_private(file, made["encoded"].encode())
    yield f"made an API key for {role.full_name}"


def _works(client: Elasticsearch, role: Role, key: str) -> bool:
    try:
        known = client.options(api_key=key).security.authenticate()
        found = client.security.get_api_key(id=known["api_key"]["id"])["api_keys"]
    except (ApiError, ValueError):
        return False
    return any(each["name"] == role.full_name and each["metadata"].get("form") == role.digest for each in found)
