"""Development certificates: what is made, for whom, how open, and when it is made anew."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from native.certificates import PARTS, Signed, issue, main, new_authority, provide


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def part(folder: Path, name: str) -> Signed:
    signed = Signed.read(folder / name / "certificate.pem", folder / name / "key.pem")
    assert signed
    return signed


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    assert provide(tmp_path) == ["authority", *PARTS]
    before = contents(tmp_path)
    assert provide(tmp_path) == []
    assert contents(tmp_path) == before


def test_secrets_are_their_owners_unless_the_folder_is_shared(tmp_path: Path) -> None:
    (tmp_path / "jaeger").mkdir(mode=0o750)
    provide(tmp_path, ["jaeger", "elasticsearch"])
    modes = {path.parent.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("key.pem")}
    assert modes == {"authority": 0o600, "elasticsearch": 0o600, "jaeger": 0o640}
    assert (tmp_path / "elasticsearch").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "elasticsearch" / "password").stat().st_mode & 0o777 == 0o600


def test_the_first_password_is_shared_by_those_who_need_it(tmp_path: Path) -> None:
    provide(tmp_path)
    found = {path.parent.name: path.read_text() for path in tmp_path.rglob("password")}
    assert found.keys() == {"elasticsearch", "operator"}
    assert len(set(found.values())) == 1
    assert len(found["operator"]) >= 32
    (tmp_path / "operator" / "password").unlink()
    provide(tmp_path)
    assert (tmp_path / "operator" / "password").read_text() == found["elasticsearch"]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_named_as_in_compose_and_on_this_machine(tmp_path: Path, name: str) -> None:
    provide(tmp_path, [name])
    certificate = part(tmp_path, name).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {name, "localhost"}
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert part(tmp_path, "authority").signed(part(tmp_path, name))
    context = ssl.create_default_context(cafile=tmp_path / name / "authority.pem")
    context.load_cert_chain(tmp_path / name / "certificate.pem", tmp_path / name / "key.pem")


def test_what_ends_soon_is_issued_anew_and_the_rest_stays(tmp_path: Path) -> None:
    provide(tmp_path, ["collector", "jaeger"])
    now = datetime.now(UTC)
    ending = issue("jaeger", part(tmp_path, "authority"), now, now + timedelta(days=19))
    ending.write(tmp_path / "jaeger" / "certificate.pem", tmp_path / "jaeger" / "key.pem")
    assert provide(tmp_path, ["collector", "jaeger"]) == ["jaeger"]
    assert part(tmp_path, "jaeger").certificate.not_valid_after_utc > now + timedelta(days=50)


def test_with_another_authority_every_part_gets_another_certificate(tmp_path: Path) -> None:
    provide(tmp_path, ["collector", "jaeger"])
    other = new_authority(datetime.now(UTC))
    other.write(tmp_path / "authority" / "certificate.pem", tmp_path / "authority" / "key.pem")
    assert provide(tmp_path, ["collector", "jaeger"]) == ["collector", "jaeger"]
    assert other.signed(part(tmp_path, "jaeger"))
    assert (tmp_path / "jaeger" / "authority.pem").read_bytes() == (
        tmp_path / "authority" / "certificate.pem"
    ).read_bytes()


def test_an_authority_that_ends_soon_is_replaced_with_all_that_it_signed(tmp_path: Path) -> None:
    provide(tmp_path, ["collector"])
    old = new_authority(datetime.now(UTC) - timedelta(days=350))
    old.write(tmp_path / "authority" / "certificate.pem", tmp_path / "authority" / "key.pem")
    assert provide(tmp_path, ["collector"]) == ["authority", "collector"]


def test_the_command_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["certificates", str(tmp_path)])
    assert (main(), main()) == (0, 0)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("authority, " + ", ".join(PARTS))
    assert second.endswith("everything was in place")
