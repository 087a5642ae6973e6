"""Pairs of sealing keys as `throughline keys new --purpose sealing` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


class Pair(NamedTuple):
    """The files of one auditor."""

    public: Path
    private: Path


def sealing_pair(folder: Path, name: str = "auditor") -> Pair:
    """A new pair in this folder."""
    private = X25519PrivateKey.generate()
    pair = Pair(folder / f"{name}.pub.pem", folder / f"{name}.pem")
    pair.public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    pair.private.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pair
