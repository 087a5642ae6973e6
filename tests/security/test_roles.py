"""What the holder of each role's key may do in a real Elasticsearch, and above all what he may not."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch
from native.stack import Stack
from security.conftest import As
from throughline.store import connect, roles
from throughline.store.roles import CONTENT, CORPUS, METADATA, ROLES, Role, provision

pytestmark = pytest.mark.stack

DOCUMENT = {"@timestamp": "2026-11-23T10:00:00Z", "attributes": {"user.id": "ada"}}
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Written:
    """A document where the writer has put it."""

    stream: str
    index: str
    identity: str
    is_content: bool

    @property
    def at(self) -> dict[str, str]:
        """The index behind the stream and the id: by these, documents are read and changed one by one."""
        return {"index": self.index, "id": self.identity}


def write(client: Elasticsearch, pattern: str, namespace: str) -> Written:
    """One document into the stream of this pattern and namespace."""
    stream = pattern.replace("-*.otel", "-generic.otel").removesuffix("*") + namespace
    made = client.create(index=stream, id=uuid.uuid4().hex, document=DOCUMENT, refresh=False)
    return Written(stream, made["_index"], made["_id"], pattern in CONTENT)


@pytest.fixture(scope="module")
def documents(acting: As, superuser: Elasticsearch) -> list[Written]:
    """One in each kind of stream, by the writer's key."""
    namespace = uuid.uuid4().hex
    written = [write(acting("writer"), pattern, namespace) for pattern in (*METADATA, *CONTENT)]
    superuser.indices.refresh(index=[each.stream for each in written])
    return written


def status(act: Callable[[], Any]) -> int:
    """What Elasticsearch answers to it: 200, or the status of its refusal."""
    try:
        act()
    except ApiError as refusal:
        return int(refusal.status_code)
    return 200


def reading(client: Elasticsearch, document: Written) -> dict[str, Callable[[], Any]]:
    stream = document.stream
    return {
        "search": lambda: client.search(index=stream),
        "count": lambda: client.count(index=stream),
        "get": lambda: client.get(**document.at),
        "exists": lambda: client.get_source(**document.at),
        "term vectors": lambda: client.termvectors(**document.at, fields=["attributes.user.id"]),
        "point in time": lambda: client.open_point_in_time(index=stream, keep_alive="1s"),
    }


def changing(client: Elasticsearch, document: Written) -> dict[str, Callable[[], Any]]:
    """In an order in which one who may can do all of it."""
    stream, everything = document.stream, {"match_all": {}}
    current = {"if_seq_no": 0, "if_primary_term": 1}
    return {
        "overwrite": lambda: client.index(**document.at, document=DOCUMENT, **current),
        "update": lambda: client.update(**document.at, doc={"attributes": {"user.id": "eve"}}),
        "update by query": lambda: client.update_by_query(index=stream, query=everything, conflicts="proceed"),
        "delete": lambda: client.delete(**document.at),
        "delete by query": lambda: client.delete_by_query(index=stream, query=everything, conflicts="proceed"),
        "change settings": lambda: client.indices.put_settings(
            index=document.index, settings={"index.number_of_replicas": 0}
        ),
        "roll over": lambda: client.indices.rollover(alias=stream),
        "delete an index": lambda: client.indices.delete(index=document.index),
    }


def governing(client: Elasticsearch) -> dict[str, Callable[[], Any]]:
    return {
        "make a role": lambda: client.security.put_role(name="mine", cluster=["all"]),
        "make a user": lambda: client.security.put_user(username="mine", password="a" * 20, roles=["superuser"]),
        "make a key": lambda: client.security.create_api_key(name="mine", refresh=False),
        "read the keys": client.security.get_api_key,
        "end a key": lambda: client.security.invalidate_api_key(name="mine"),
        "change a setting": lambda: client.cluster.put_settings(transient={"cluster.max_shards_per_node": 999}),
    }


def answers(acts: dict[str, Callable[[], Any]]) -> dict[str, int]:
    return {name: status(act) for name, act in acts.items()}


def refused(acts: dict[str, Callable[[], Any]]) -> dict[str, int]:
    """What answers would be if all were forbidden."""
    return dict.fromkeys(acts, FORBIDDEN)


def test_the_writer_appends_and_can_neither_read_nor_change(acting: As, documents: list[Written]) -> None:
    for document in documents:
        acts = {**reading(acting("writer"), document), **changing(acting("writer"), document)}
        assert answers(acts) == refused(acts), document.stream


def test_the_writer_cannot_put_another_document_in_a_records_place(
    acting: As, superuser: Elasticsearch, documents: list[Written]
) -> None:
    document = documents[0]
    forged = {**DOCUMENT, "attributes": {"user.id": "eve"}}
    again = status(lambda: acting("writer").create(index=document.stream, id=document.identity, document=forged))
    assert again == 409  # the same id again is no second document, and no other
    assert superuser.get(**document.at)["_source"] == DOCUMENT


def test_the_writer_makes_nothing_but_streams(acting: As) -> None:
    elsewhere = {"plain": "mine", "corpus": CORPUS[0], "jaeger": "jaeger-span-2026-11-23", "security": ".security-7"}
    acts = {
        name: partial(acting("writer").create, index=index, id="x", document=DOCUMENT)
        for name, index in elsewhere.items()
    }
    assert answers(acts) == refused(acts)


def test_the_reader_reads_metadata_and_no_content(acting: As, documents: list[Written]) -> None:
    for document in documents:
        acts = reading(acting("reader"), document)
        expected = refused(acts) if document.is_content else dict.fromkeys(acts, 200)
        assert answers(acts) == expected, document.stream
        assert answers(changing(acting("reader"), document)) == refused(changing(acting("reader"), document))


def test_the_auditor_reads_content_and_changes_nothing(acting: As, documents: list[Written]) -> None:
    for document in documents:
        acts = reading(acting("auditor"), document)
        assert answers(acts) == dict.fromkeys(acts, 200), document.stream
        acts = changing(acting("auditor"), document)
        acts["append"] = lambda stream=document.stream: acting("auditor").create(
            index=stream, id="x", document=DOCUMENT
        )
        assert answers(acts) == refused(acts), document.stream


@pytest.mark.parametrize(("role", "sees_content"), [("reader", False), ("auditor", True)])
def test_a_search_over_everything_finds_what_the_role_may_see(
    acting: As, documents: list[Written], role: str, sees_content: bool
) -> None:
    mine = {document.index: document.is_content for document in documents}
    hits = acting(role).search(index="*", size=10_000, allow_partial_search_results=False)["hits"]["hits"]
    found = {hit["_index"] for hit in hits} & mine.keys()
    assert found == {index for index, is_content in mine.items() if sees_content or not is_content}


@pytest.mark.parametrize("pattern", [*METADATA, *CONTENT])
def test_the_operator_erases_and_keeps_house(acting: As, pattern: str) -> None:
    document = write(acting("writer"), pattern, uuid.uuid4().hex)
    acting("operator").indices.refresh(index=document.stream)
    acts = changing(acting("operator"), document)
    assert answers(acts) == dict.fromkeys(acts, 200)


def test_only_the_operator_changes_templates(acting: As) -> None:
    def put(role: str) -> int:
        wanted = {"name": f"tested-{role}", "index_patterns": [f"tested-{role}-*"]}
        return status(lambda: acting(role).indices.put_index_template(**wanted))

    assert {role: put(role) for role in ("writer", "reader", "auditor", "operator", "librarian", "retriever")} == {
        **dict.fromkeys(("writer", "reader", "auditor", "librarian", "retriever"), FORBIDDEN),
        "operator": 200,
    }


def test_nobody_governs_but_the_first_user(acting: As, superuser: Elasticsearch) -> None:
    for role in ROLES:
        acts = governing(acting(role.name))
        assert answers(acts) == refused(acts), role.name
    acts = governing(superuser)
    assert answers(acts) == dict.fromkeys(acts, 200)
    superuser.security.delete_role(name="mine")
    superuser.security.delete_user(username="mine")
    superuser.cluster.put_settings(transient={"cluster.max_shards_per_node": None})


@pytest.mark.parametrize("role", ["librarian", "retriever", "jaeger"])
def test_who_serves_other_data_sees_no_evidence(acting: As, documents: list[Written], role: str) -> None:
    for document in documents:
        acts = {**reading(acting(role), document), **changing(acting(role), document)}
        assert answers(acts) == refused(acts), document.stream


def test_the_corpus_is_loaded_by_one_key_and_read_by_another(acting: As) -> None:
    (index,) = CORPUS
    passage = {"title": "a", "text": "b"}
    assert status(lambda: acting("librarian").index(index=index, id="x", document=passage, refresh=True)) == 200
    assert acting("retriever").search(index=index, query={"ids": {"values": ["x"]}})["hits"]["hits"]
    assert status(lambda: acting("retriever").index(index=index, id="x", document=passage)) == FORBIDDEN
    assert status(lambda: acting("librarian").delete(index=index, id="x")) == 200


def test_without_a_key_nobody_is_let_in(secure_stack: Stack) -> None:
    anonymous = {name: value for name, value in secure_stack.addresses.items() if "API_KEY" not in name}
    with connect(anonymous) as client:
        assert status(client.info) == 401
        assert status(lambda: client.options(api_key="bm86c3VjaA==").info()) == 401


# --- the keys -------------------------------------------------------------------------------------------------------


def test_keys_are_files_of_their_owner_and_stand_nowhere_else(secure_stack: Stack) -> None:
    told = secure_stack.supervisor.parts["templates"].environment
    files = {Path(path) for name, path in told.items() if name.endswith("_API_KEY_FILE")}
    files |= {Path(path) for name, path in told.items() if name.endswith(("_KEY", "PASSWORD_FILE"))}
    assert len(files) == 8
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    published = (secure_stack.logs.parent / "stack.env").read_text()
    logged = "".join(log.read_text() for log in secure_stack.logs.iterdir())
    configured = (secure_stack.logs.parent / "elasticsearch" / "config" / "elasticsearch.yml").read_text()
    for file in files:
        secret = file.read_text().strip().splitlines()[-2 if "PRIVATE" in file.read_text() else -1]
        assert secret not in published + logged + configured, file.name


def test_each_part_is_told_of_the_one_key_that_it_needs(secure_stack: Stack) -> None:
    def told(part: str) -> set[str]:
        environment = {**secure_stack.supervisor.environment, **secure_stack.supervisor.parts[part].environment}
        return {Path(path).parent.name for name, path in environment.items() if name.endswith("API_KEY_FILE")}

    assert {part: told(part) for part in ("collector", "prompt-builder", "jaeger", "gateway", "llm-caller")} == {
        "collector": {"collector"},
        "prompt-builder": {"prompt-builder"},
        "jaeger": set(),
        "gateway": set(),
        "llm-caller": set(),
    }


def test_provisioning_again_changes_nothing_and_a_lost_key_is_replaced(
    superuser: Elasticsearch, secure_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provision(superuser, secure_stack.supervisor.parts["templates"].environment) == []
    monkeypatch.setattr(roles, "ROLES", (Role("tested", ("monitor",)),))
    file = tmp_path / "key"
    wanted, mine = {"THROUGHLINE_TESTED_API_KEY_FILE": str(file)}, {"ELASTICSEARCH_API_KEY_FILE": str(file)}
    assert len(provision(superuser, wanted)) == 2
    before = connect({**secure_stack.addresses, **mine})
    assert status(before.info) == 200
    file.unlink()
    assert provision(superuser, wanted) == ["made an API key for throughline-tested"]
    with before, connect({**secure_stack.addresses, **mine}) as after:
        assert (status(before.info), status(after.info)) == (401, 200)


def test_a_key_of_an_older_form_of_its_role_is_replaced(
    superuser: Elasticsearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"THROUGHLINE_GROWN_API_KEY_FILE": str(tmp_path / "key")}
    monkeypatch.setattr(roles, "ROLES", (Role("grown", ("monitor",)),))
    provision(superuser, wanted)
    before = (tmp_path / "key").read_text()
    monkeypatch.setattr(roles, "ROLES", (Role("grown", ("monitor", "manage_index_templates")),))
    assert len(provision(superuser, wanted)) == 2
    assert (tmp_path / "key").read_text() != before


def test_where_nobody_is_asked_who_he_is_nothing_is_made(elasticsearch: str, tmp_path: Path) -> None:
    with Elasticsearch(elasticsearch) as plain:
        assert provision(plain, {"THROUGHLINE_READER_API_KEY_FILE": str(tmp_path / "key")}) == []
    assert not (tmp_path / "key").exists()


def test_an_operator_provisions_no_roles(acting: As, tmp_path: Path) -> None:
    assert provision(acting("operator"), {"THROUGHLINE_WRITER_API_KEY_FILE": str(tmp_path / "key")}) == []
    assert not (tmp_path / "key").exists()
