"""Who comes to the secured parts: with the right certificate, with none, with a stranger's, with one that has ended."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from native.certificates import Signed, issue, new_authority
from native.stack import Stack
from throughline.store import connect
from throughline.store.roles import ROLES, provision
from throughline.tls import client_context

As = Callable[[str], Elasticsearch]
PEERS = ("right", "nobody", "stranger", "expired")


@dataclass(frozen=True, slots=True)
class Peer:
    """What somebody has: whom he trusts, and what he shows."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        return client_context(self.authority, self.certificate, self.key)


def _written(folder: Path, signed: Signed, authority: Path) -> Peer:
    folder.mkdir()
    peer = Peer(authority, folder / "certificate.pem", folder / "key.pem")
    signed.write(folder / "certificate.pem", folder / "key.pem")
    return peer


@pytest.fixture(scope="session")
def peers(secure_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Peer]:
    """Each of PEERS; and `impostor`, who has what `stranger` has and trusts only those of his kind."""
    folder, tls = tmp_path_factory.mktemp("peers"), Path(secure_stack.addresses["ELASTICSEARCH_CA_FILE"]).parents[1]
    now, trusted = datetime.now(UTC), tls / "authority" / "certificate.pem"
    real, other = Signed.read(trusted, trusted.with_name("key.pem")), new_authority(now)
    assert real
    other.write(folder / "other.pem", folder / "other.key")
    stranger = _written(folder / "stranger", issue("application", other, now, now + timedelta(days=1)), trusted)
    ended = issue("application", real, now - timedelta(days=2), now - timedelta(seconds=1))
    application = tls / "application"
    return {
        "right": Peer(trusted, application / "certificate.pem", application / "key.pem"),
        "nobody": Peer(trusted),
        "stranger": stranger,
        "expired": _written(folder / "expired", ended, trusted),
        "impostor": Peer(folder / "other.pem", stranger.certificate, stranger.key),
    }


@pytest.fixture(scope="session")
def superuser(secure_stack: Stack) -> Iterator[Elasticsearch]:
    """The first user, who makes roles and keys."""
    told = secure_stack.supervisor.parts["templates"].environment
    with connect({**secure_stack.addresses, **told}, operator=True) as client:
        yield client


@pytest.fixture(scope="session")
def acting(superuser: Elasticsearch, secure_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """A client with a key of the role of that name; all but Jaeger's are there since the start."""
    told = dict(secure_stack.supervisor.parts["templates"].environment)
    told["THROUGHLINE_JAEGER_API_KEY_FILE"] = str(tmp_path_factory.mktemp("keys") / "jaeger")
    provision(superuser, told)
    clients = {
        role.name: connect({**secure_stack.addresses, "ELASTICSEARCH_API_KEY_FILE": told[role.variable]})
        for role in ROLES
    }
    yield clients.__getitem__
    for client in clients.values():
        client.close()
