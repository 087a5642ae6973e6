"""A bundle is whole, checks itself without us, discloses nothing else, and any changed byte is named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence.conftest import Run
from evidence.ledger import Chain, Entry, Ledger, call, tombstone
from evidence.signing import Key
from evidence.test_sound import ERASE, IDENTITIES
from throughline import names
from throughline.records.bundle.packing import check_script

pytestmark = pytest.mark.stack
HOSTILE = "<script>alert('hostile')</script>"


@pytest.fixture
def chain(ledger: Ledger, key: Key) -> Chain:
    chain = Chain(key).fill(12, close=None)
    chain.add(call(12, user=HOSTILE), call(13, user="bob"))
    chain.fill(9)
    ledger.write(chain, Chain(key).fill(3))
    return chain


@pytest.fixture
def export(run: Run, ledger: Ledger) -> Run:
    def command(*arguments: str, **variables: str) -> object:
        return run("export", "--namespace", ledger.namespace, *arguments, **variables)

    return command


@pytest.fixture
def bundle(export: Run, chain: Chain, tmp_path: Path) -> Path:
    """The records of one trace and its content, unpacked."""
    ended = export("--trace", chain.records[3]["trace_id"], "--content", "--out", "one.zip")
    assert ended.code == 0, ended.err
    return unpacked(tmp_path / "one.zip")


def unpacked(path: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(path.with_suffix(""))
    return path.with_suffix("")


def check(folder: Path, *arguments: str) -> tuple[int, str]:
    """By a Python that sees its own library and cryptography alone."""
    blocked = (
        "import sys, runpy\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] not in {*sys.stdlib_module_names, 'cryptography', '_cffi_backend'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "script, *sys.argv[1:] = sys.argv[1:]\n"
        "sys.argv[0] = script\n"
        "runpy.run_path(script, run_name='__main__')\n"
    )
    command = [sys.executable, "-I", "-c", blocked, str(folder / "check_bundle.py"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.defpath})
    assert not ended.stderr
    return ended.returncode, ended.stdout


def lines(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_a_bundle_checks_itself(bundle: Path, chain: Chain) -> None:
    code, said = check(bundle)
    assert code == 0
    identity = chain.records[3]["attributes"][names.RECORD_ID]
    assert f"holds  {identity}  place 3 of chain {chain.id}, signed by" in said
    assert said.endswith("1 records hold, 0 findings\n")
    assert check(bundle, str(bundle.with_suffix(".zip"))) == (code, said)
    assert {path.name for path in bundle.iterdir()} == {
        "README.txt", "bundle.json", "check_bundle.py", "index.html", "keys.json", "proofs.jsonl", "records.jsonl",
        "statements.jsonl",
    }  # fmt: skip


def test_a_bundle_discloses_nothing_of_the_records_between(bundle: Path, chain: Chain) -> None:
    everything = b"".join(path.read_bytes() for path in bundle.iterdir()).decode()
    for number in (*range(3), *range(4, 12)):
        record = chain.records[number]
        assert record["attributes"][names.RECORD_ID] not in everything
        assert f"Frage {number} " not in everything
    (proof,) = lines(bundle, "proofs.jsonl")
    assert (proof["first"], len(proof["bodies"])) == (3, 7)  # type: ignore[arg-type]
    (statement,) = lines(bundle, "statements.jsonl")
    assert statement["anchored"] == statement["statement"]


@pytest.mark.parametrize("name", ["records.jsonl", "proofs.jsonl", "statements.jsonl", "keys.json", "index.html"])
def test_any_changed_byte_is_named(bundle: Path, name: str) -> None:
    whole = (bundle / name).read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 12)):
        (bundle / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        code, said = check(bundle)
        assert code == 1
        assert f"FAILS  {name}" in said


def changes(folder: Path) -> Iterator[tuple[str, str, str]]:
    """A file, what stands in it, and what is put in its place."""
    record = (folder / "records.jsonl").read_text()
    for found in (
        r'"model":"(small)"', r'"gen_ai.usage.input_tokens":(103)', r'"user.id":"(ada)"', r'"content":"(answer 3)"',
        r'"chain.digest":"(....)', r'"chain.previous":"(....)', r'"@timestamp":"(\d+)', r'"service.name":"(ledger)"',
        r'"trace_id":"(....)', r'"throughline.content.salt":"(....)', r'"throughline.chain.salt":"(....)',
    ):  # fmt: skip
        match = re.search(found, record.replace("throughline.chain.digest", "chain.digest"))
        if match and match[1] in record:
            yield "records.jsonl", match[1], "9" * len(match[1])
    for name, found in (("proofs.jsonl", r'"bodies":\["(....)'), ("proofs.jsonl", r'"previous":"(....)')):
        yield name, re.search(found, (folder / name).read_text())[1], "9999"  # type: ignore[index]
    for field in ("digest", "time", "signature", "chain"):
        yield "statements.jsonl", re.search(rf'"{field}":"(....)', (folder / "statements.jsonl").read_text())[1], "9999"  # type: ignore[index]


def test_a_forged_bundle_with_a_forged_list_of_files_is_found(bundle: Path) -> None:
    """Whoever changes a file can write its digest anew; then the proof itself has to find it."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    for name, found, put in list(changes(bundle)):
        whole = (bundle / name).read_text()
        (bundle / name).write_text(whole.replace(found, put))
        digest = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
        (bundle / "bundle.json").write_text(json.dumps({**manifest, "files": {**manifest["files"], name: digest}}))
        code, said = check(bundle)
        assert (code, "FAILS  " + name + " " in said) == (1, False), (name, found, said)
        assert "FAILS" in said
        (bundle / name).write_text(whole)


def forge(folder: Path, line: str) -> tuple[int, str]:
    """Put this in the place of the records, with a list of files that knows it, and check."""
    (folder / "records.jsonl").write_text(line)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["files"]["records.jsonl"] = hashlib.sha256(line.encode()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return check(folder)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (["document", "attributes"], "redaction.note"),
        (["document", "attributes"], "throughline.chain.note"),
        (["document", "attributes"], names.OUTPUT_MESSAGES),
        (["document", "resource", "attributes"], "owner"),
        (["document", "resource"], "note"),
        (["document"], "body"),
        (["content"], "note"),
        ([], "note"),
    ],
)
def test_what_is_put_beside_what_is_proven_does_not_hold(bundle: Path, path: list[str], name: str) -> None:
    line = json.loads((bundle / "records.jsonl").read_text())
    changed = line
    for step in path:
        changed = changed[step]
    changed[name] = "eve asked"
    code, said = forge(bundle, json.dumps(line))
    assert (code, name in said) == (1, True), said


def test_a_record_holds_once(bundle: Path) -> None:
    line = (bundle / "records.jsonl").read_text()
    code, said = forge(bundle, line * 2)
    assert code == 1
    assert said.endswith("1 records hold, 1 findings\n")


def test_a_line_that_says_two_things_does_not_hold(bundle: Path) -> None:
    line = (bundle / "records.jsonl").read_text()
    code, said = forge(
        bundle, line.replace('"gen_ai.request.model"', '"gen_ai.request.model":"large","gen_ai.request.model"')
    )
    assert (code, "FAILS  records.jsonl, line 1  is no record" in said) == (1, True)


def test_salted_digests_that_are_no_list_do_not_hold(bundle: Path) -> None:
    line = json.loads((bundle / "records.jsonl").read_text())
    attributes = line["document"]["attributes"]
    attributes[names.CHAIN_SALTED] = dict.fromkeys(attributes[names.CHAIN_SALTED])
    assert forge(bundle, json.dumps(line))[0] == 1


def test_many_records_share_their_proofs(export: Run, chain: Chain, ledger: Ledger, tmp_path: Path) -> None:
    assert export("--since", "2d", "--out", "all.zip").code == 0
    folder = unpacked(tmp_path / "all.zip")
    code, said = check(folder)
    assert (code, said.count("\nholds")) == (0, 23 + 3 - 1)
    assert len(lines(folder, "proofs.jsonl")) == 3 + 1
    assert all(line["content"] is None for line in lines(folder, "records.jsonl"))
    assert "answer" not in (folder / "records.jsonl").read_text()


def test_the_page_says_who_what_and_how_it_stands_and_escapes(export: Run, chain: Chain, tmp_path: Path) -> None:
    assert export("--user", HOSTILE, "--content", "--out", "hostile.zip").code == 0
    folder = unpacked(tmp_path / "hostile.zip")
    page = (folder / "index.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for words in ("small", "help 1", "112 / 7", "1.25e-05", "✓ proven", "answer 12", "chat", chain.id):
        assert words in page
    assert not re.search(r"(?:src|href|url)\s*[=(]", page)
    assert check(folder)[0] == 0


def test_a_conversation_is_exported_and_a_user(export: Run, chain: Chain, tmp_path: Path) -> None:
    assert export("--conversation", "c-1", "--out", "c.zip", "--json").lines[0]["records"] == 7 + 1 + 1
    assert export("--user", "bob", "--out", "b.zip", "--json").lines[0] == {
        "file": "b.zip", "records": 1, "failing": 0, "outside": 0,
    }  # fmt: skip


def test_what_is_not_proven_is_exported_and_said_not_to_be(
    export: Run, chain: Chain, ledger: Ledger, tmp_path: Path
) -> None:
    script = "ctx._source.attributes[params.name] = params.value"
    ledger.update(chain, [3], script, name=names.REQUEST_MODEL, value="large")
    ended = export("--user", "ada", "--out", "ada.zip", "--json")
    assert (ended.code, ended.lines[0]["failing"]) == (1, 1 + 3)  # and those before it, which it should have tied
    folder = unpacked(tmp_path / "ada.zip")
    assert check(folder)[0] == 1
    assert "NOT PROVEN" in (folder / "index.html").read_text()


def test_who_was_erased_is_exported_with_the_tombstone(
    export: Run, chain: Chain, ledger: Ledger, operator: Key, tmp_path: Path
) -> None:
    tomb = Chain(operator, service="throughline")
    tomb.add(tombstone(chain.records[3]["attributes"][names.RECORD_ID]))
    tomb.state("closed")
    ledger.write(tomb)
    ledger.delete(chain, [3], kind="content")
    ledger.update(chain, [3], ERASE, names=IDENTITIES)
    assert export("--trace", chain.records[3]["trace_id"], "--content", "--out", "t.zip", "--json").code == 0
    folder = unpacked(tmp_path / "t.zip")
    code, said = check(folder)
    assert (code, tomb.records[0]["attributes"][names.RECORD_ID] in said) == (0, True)


def test_sealed_content_stays_sealed(export: Run, ledger: Ledger, key: Key, tmp_path: Path) -> None:
    sealed = Chain(key)
    sealed.add(Entry({names.OPERATION_NAME: "chat", names.USER_ID: "sue", names.CONTENT_SEALED: "AQ=="}))
    sealed.state("closed")
    ledger.write(sealed)
    assert export("--user", "sue", "--content", "--out", "s.zip").code == 0
    assert check(unpacked(tmp_path / "s.zip"))[0] == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--trace", "0" * 32), 1),
        (("--user", "ada", "--keys", "nowhere.json"), 2),
        (("--user", "ada", "--since", "1d", "--until", "2d"), 2),
    ],
)
def test_what_makes_no_sense_writes_nothing(
    export: Run, chain: Chain, tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    assert export(*options, "--out", "no.zip").code == code
    assert not list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".*"))


def test_nothing_is_written_over_unless_asked_for(export: Run, chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_text("mine")
    refused = export("--user", "bob", "--out", "out.zip")
    assert (refused.code, (tmp_path / "out.zip").read_text()) == (2, "mine")
    assert "--force" in refused.err
    assert export("--user", "bob", "--out", "out.zip", "--force").code == 0
    assert zipfile.is_zipfile(tmp_path / "out.zip")
    assert (tmp_path / "out.zip").stat().st_mode & 0o077 == 0


def test_the_check_is_one_small_file() -> None:
    assert len(check_script().splitlines()) < 500
    assert "import throughline" not in check_script()
    assert "from throughline" not in check_script()
