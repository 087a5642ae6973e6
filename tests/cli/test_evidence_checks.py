"""The doctor on spool, keys and anchor: what is sound passes, and each fault is named with what to do next."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli.test_spool import killed
from throughline.cli.checking import Check, State
from throughline.cli.evidence_checks import evidence_checks
from throughline.records import keys
from throughline.records.keys import Purpose


@pytest.fixture
def sound(tmp_path: Path) -> dict[str, str]:
    """Variables under which all of it works."""
    key = keys.new_private_key(Purpose.SIGNING)
    for name, content in (("own.pem", keys.private_pem(key)), ("spool.key", base64.b64encode(bytes(32)))):
        keys.replace_file(tmp_path / name, content, mode=0o600)
    keys.write_key_list(tmp_path / "keys.json", [keys.listed(key, Purpose.SIGNING, "desk", datetime.now(UTC))])
    return {
        "THROUGHLINE_SPOOL": str(tmp_path / "spool"),
        "THROUGHLINE_SPOOL_BYTES": "100000",
        "THROUGHLINE_SPOOL_KEY_FILE": str(tmp_path / "spool.key"),
        "THROUGHLINE_SIGNING_KEY_FILE": str(tmp_path / "own.pem"),
        "THROUGHLINE_KEY_LIST": str(tmp_path / "keys.json"),
        "THROUGHLINE_ANCHOR": f"file://{tmp_path}/anchor",
    }


def faults(variables: dict[str, str]) -> dict[str, Check]:
    """What is not fine, each with an advice."""
    found = {check.name: check for check in evidence_checks(variables) if check.state is not State.OK}
    assert all(check.advice for check in found.values())
    return found


def test_a_sound_set_up_passes_and_nothing_is_written(sound: dict[str, str], tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    checks = list(evidence_checks(sound))
    assert {check.state for check in checks} == {State.OK}
    assert [check.name for check in checks] == ["spool", "spool key", "signing key", "anchor"]
    assert "drop_oldest" in checks[0].found
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_without_any_of_it_it_is_said_that_records_are_no_evidence() -> None:
    (check,) = evidence_checks({})
    assert check.state is State.OK
    assert "no evidence" in check.found


def test_the_default_folder_is_checked_where_instrumentation_would_use_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = faults({"OTEL_LOGS_EXPORTER": "console,otlp", "XDG_STATE_HOME": str(tmp_path / "file")})
    assert {name: check.state for name, check in found.items()} == {
        "spool": State.WARNING,
        "signing key": State.WARNING,
    }
    assert not faults({"OTEL_LOGS_EXPORTER": "otlp", "THROUGHLINE_SPOOL": "off"})


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"THROUGHLINE_SPOOL": "{folder}/own.pem"}, "spool", State.FAILED),
        ({"THROUGHLINE_SPOOL_BYTES": str(10**18)}, "spool", State.WARNING),
        ({"THROUGHLINE_SPOOL": "off"}, "spool", State.WARNING),
        ({"THROUGHLINE_SPOOL_KEY_FILE": "{folder}/own.pem"}, "spool key", State.FAILED),
        ({"THROUGHLINE_SPOOL_KEY_FILE": "{folder}/none"}, "spool key", State.FAILED),
        ({"THROUGHLINE_SIGNING_KEY_FILE": "{folder}/spool.key"}, "signing key", State.FAILED),
        ({"THROUGHLINE_KEY_LIST": "{folder}/own.pem"}, "signing key", State.FAILED),
        ({"THROUGHLINE_ANCHOR": "file://{folder}/own.pem"}, "anchor", State.FAILED),
        ({"THROUGHLINE_ANCHOR": "none://there"}, "anchor", State.FAILED),
        ({"THROUGHLINE_SIGNING_KEY_FILE": ""}, "anchor", State.WARNING),
    ],
)
def test_a_fault_is_named(
    sound: dict[str, str], tmp_path: Path, change: dict[str, str], name: str, state: State
) -> None:
    found = faults({**sound, **{key: value.format(folder=tmp_path) for key, value in change.items()}})
    assert found[name].state is state
    assert set(found) <= {name, "signing key"}


def test_a_key_that_nobody_will_believe_is_a_failure(sound: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys.write_key_list(path, keys.ended(keys.read_key_list(path), keys.read_key_list(path)[0].id, datetime.now(UTC)))
    assert "not be believed" in faults(sound)["signing key"].found


def test_a_private_key_that_anybody_may_read_is_a_warning(sound: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own.pem").chmod(0o604)
    assert str(tmp_path / "own.pem") in str(faults(sound)["private files"].advice)


def test_left_over_and_refused_records_are_told(sound: dict[str, str], tmp_path: Path) -> None:
    killed(2, {name: sound[name] for name in ("THROUGHLINE_SPOOL", "THROUGHLINE_SIGNING_KEY_FILE")})
    (tmp_path / "spool" / "refused").mkdir()
    (tmp_path / "spool" / "refused" / "one.frame").write_text("")
    found = faults(sound)
    assert "1 chains of dead processes with 2 records" in found["left-over records"].found
    assert "1 records" in found["refused records"].found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_a_failure(sound: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    assert faults({**sound, "THROUGHLINE_SPOOL": str(tmp_path / "closed" / "spool")})["spool"].state is State.FAILED
