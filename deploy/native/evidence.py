"""What makes a stack's records evidence: a spool for each service, keys of its own, an anchor; it records nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from throughline.private_files import private_folder, write_private
from throughline.records import keys
from throughline.records.keys import Purpose

_OWNERS = {Purpose.SIGNING: "the services of this stack", Purpose.OPERATOR: "the operator of this stack"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The run folder, and where in it each of these lies."""

    run: Path

    def provide(self, purposes: Iterable[Purpose] = tuple(_OWNERS)) -> None:
        """Make each private key that is not there and publish its public part; a stack of one machine keeps both."""
        private_folder(self.run / "anchor")
        listed = keys.read_key_list(self.key_list) if self.key_list.exists() else []
        for purpose in purposes:
            if not (file := self.key(purpose)).exists():
                made = keys.new_private_key(purpose)
                write_private(file, keys.private_pem(made))
                listed.append(keys.listed(made, purpose, _OWNERS[purpose], datetime.now(UTC)))
                keys.write_key_list(self.key_list, listed)

    def key(self, purpose: Purpose) -> Path:
        """The private key's file."""
        return self.run / "keys" / f"{purpose.value}.pem"

    @property
    def key_list(self) -> Path:
        """The public keys, for whoever verifies."""
        return self.run / "keys.json"

    def of_service(self, name: str) -> Mapping[str, str]:
        """What a process that records is told."""
        return {
            "THROUGHLINE_SPOOL": str(self.run / "spool" / name),
            "THROUGHLINE_SIGNING_KEY_FILE": str(self.key(Purpose.SIGNING)),
            "THROUGHLINE_ANCHOR": (self.run / "anchor").as_uri(),
            "THROUGHLINE_CHECKPOINT_SECONDS": "10",
        }

    def of_auditor(self) -> Mapping[str, str]:
        """What whoever verifies is told."""
        return {"THROUGHLINE_KEY_LIST": str(self.key_list), "THROUGHLINE_ANCHOR": (self.run / "anchor").as_uri()}

    def published(self) -> Mapping[str, str]:
        """What the person at this machine is told: by these he verifies, opens and erases."""
        return {**self.of_auditor(), "THROUGHLINE_OPERATOR_KEY_FILE": str(self.key(Purpose.OPERATOR))}
