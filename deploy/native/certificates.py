"""A development certificate authority and a certificate for each part; none of it is for any other machine.

`python -m native.certificates [FOLDER]`, which is what `make certificates` runs. In the folder: the authority's own,
and for each part a folder with `authority.pem`, `certificate.pem` and `key.pem`. What is good for a while yet stays.
"""

from __future__ import annotations

import ipaddress
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from throughline.private_files import private_folder, write_private

FOLDER: Final = Path(__file__).resolve().parents[2] / ".run" / "tls"
PARTS: Final = ("elasticsearch", "collector", "jaeger", "grafana", "prompt-builder", "application", "operator")
PASSWORD: Final = "password"  # noqa: S105 - a file's name
_AUTHORITY_DAYS: Final = 365
_DAYS: Final = 60
_LEFT: Final = timedelta(days=20)
_CLOCKS: Final = timedelta(minutes=5)  # by which a part's clock may be behind
_HERE: Final = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, certificate: Path, key: Path) -> Signed | None:
        """What lies there; None where nothing does, or one without the other."""
        if not (certificate.exists() and key.exists()):
            return None
        private = load_pem_private_key(key.read_bytes(), None)
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), private)  # type: ignore[arg-type]

    def write(self, certificate: Path, key: Path) -> None:
        """The key first: who finds a certificate finds its key, too."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(key, pem)
        certificate.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def good(self, now: datetime) -> bool:
        """Whether it is valid for a while yet."""
        return self.certificate.not_valid_after_utc - now > _LEFT

    def signed(self, other: Signed) -> bool:
        """Whether the other one's certificate is by this authority."""
        try:
            other.certificate.verify_directly_issued_by(self.certificate)
        except Exception:
            return False
        return True


def provide(folder: Path, parts: Sequence[str] = PARTS) -> list[str]:
    """Issue what is missing or ends soon; returns the names of what it issued."""
    now, issued = datetime.now(UTC), []
    for name in ("authority", *parts):
        private_folder(folder / name)
    files = folder / "authority" / "certificate.pem", folder / "authority" / "key.pem"
    authority = Signed.read(*files)
    if authority is None or not authority.good(now):
        authority = new_authority(now)
        authority.write(*files)
        issued.append("authority")
    issued += [part for part in parts if _provide(folder / part, part, authority, now)]
    _share_password([folder / part / PASSWORD for part in ("elasticsearch", "operator") if part in parts])
    return issued


def _share_password(files: Sequence[Path]) -> None:
    """Of Elasticsearch's first user, who makes the roles and keys: made once, for itself and for the operator."""
    known = next((file.read_bytes() for file in files if file.exists()), secrets.token_urlsafe(24).encode())
    for file in files:
        if not file.exists():
            write_private(file, known)


def _provide(folder: Path, part: str, authority: Signed, now: datetime) -> bool:
    files = folder / "certificate.pem", folder / "key.pem"
    present = Signed.read(*files)
    if present and present.good(now) and authority.signed(present):
        return False
    issue(part, authority, now, now + timedelta(days=_DAYS)).write(*files)
    (folder / "authority.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    return True


def new_authority(now: datetime, name: str = "Throughline development authority") -> Signed:
    """An authority of its own, which signs no other authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = _builder(subject, subject, key, now, now + timedelta(days=_AUTHORITY_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return Signed(builder.sign(key, hashes.SHA256()), key)


def issue(part: str, authority: Signed, start: datetime, end: datetime) -> Signed:
    """A certificate for the part as server and as client, under its name in compose and on this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, part)])
    builder = _builder(subject, authority.certificate.subject, key, start, end)
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(part), *_HERE]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return Signed(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _CLOCKS)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def main() -> int:
    """Issue into the folder named, or that of the native stack, and say what."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    issued = provide(folder)
    sys.stdout.write(f"{folder}: {', '.join(issued) or 'everything was in place'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
