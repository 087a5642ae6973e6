"""What a tracer changed in the client's modules and classes, so that it can be taken out and put back between rounds.

Tracers' own `uninstrument` will not do: some leave patches behind, which would slow down the uninstrumented call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ABSENT = object()
_Places = dict[tuple[int, str], tuple[Any, Any]]


def _places(packages: tuple[str, ...]) -> _Places:
    """Every attribute of the modules of these packages and of the classes defined in them."""
    found: _Places = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(packages) and module is not None:
            owners = [module, *(v for v in list(vars(module).values()) if isinstance(v, type))]
            for owner in owners:
                for attribute, value in list(vars(owner).items()):
                    if not attribute.startswith("__") or attribute == "__init__":
                        found[id(owner), attribute] = (owner, value)
    return found


class Patches:
    """The difference between the client before and after a tracer was switched on."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages
        self._before = _places(packages)
        self._changes: list[tuple[Any, str, Any, Any]] = []

    def switched_on(self) -> None:
        """Take note of what has changed since; the tracer is on."""
        known = {owner_id for owner_id, _name in self._before}
        for (owner_id, name), (owner, value) in _places(self._packages).items():
            before = self._before.get((owner_id, name), (owner, _ABSENT))[1]
            if owner_id in known and before is not value:
                self._changes.append((owner, name, before, value))
        if not self._changes:
            raise LookupError("the tracer changed nothing in the client")

    def off(self) -> None:
        """The client as it was."""
        for owner, name, before, _after in self._changes:
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The client as the tracer wants it, for this block."""
        for owner, name, _before, after in self._changes:
            setattr(owner, name, after)
        yield
        self.off()
