"""Which units are in an experiment, and with which variant: a keyed hash, and no memory that could be lost."""

from __future__ import annotations

import hmac
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from throughline.settings import ASSIGNMENT_KEY_FILE

_LEAST_KEY: Final = 16
_UNKEYED: Final = b"throughline"


def assignment_key(environment: Mapping[str, str] = os.environ) -> bytes:
    """The secret without which nobody can work out who gets what. Raises ValueError where it is named and unusable.

    Where none is named the hash has a public key: the names of experiments alone tell units apart.
    """
    named = environment.get(ASSIGNMENT_KEY_FILE, "").strip()
    if not named:
        return _UNKEYED
    try:
        key = Path(named).read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{ASSIGNMENT_KEY_FILE}: cannot read {named}: {error.strerror}") from None
    if len(key) < _LEAST_KEY:
        raise ValueError(f"{ASSIGNMENT_KEY_FILE}: {named} holds less than {_LEAST_KEY} bytes: let it be random")
    return key


def is_inside(key: bytes, whole: str, share: Sequence[float], unit: str) -> bool:
    """Whether this unit is in that part, from and to, of a whole: the same draw for everything that shares the whole,
    as the experiments of a group do, so that parts that do not overlap share no unit."""
    return share[0] <= _point(key, "share", whole, unit) < share[1]


def chosen(key: bytes, salt: str, weights: Mapping[str, float], unit: str) -> str:
    """This unit's variant: weighted rendezvous hashing. Each variant draws a number for the unit, whatever others there
    are and whatever they weigh; the highest ln(u) / weight wins, with u uniform in (0, 1).

    The probabilities are the weights' shares (Efraimidis and Spirakis, 2006). A unit moves only from a variant whose
    weight fell, or to one whose weight rose, beside the others': the fewest possible where one weight changes or there
    are two variants, else at most 2d/(1+d) of all where d is the least possible, and no rule without a memory does
    better (Bavarian et al., Optimality of correlated sampling, 2020). The order in the file has no effect.
    """
    drawn = {
        name: math.log(_point(key, "variant", salt, name, unit)) / weight for name, weight in weights.items() if weight
    }
    return max(drawn, key=lambda name: (drawn[name], name))


def _point(key: bytes, *words: str) -> float:
    """Uniform in (0, 1), of 53 bits."""
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return ((int.from_bytes(hmac.digest(key, text, "sha256")[:8]) >> 11) + 0.5) / 2**53
