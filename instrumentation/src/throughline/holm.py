"""Holm's adjustment of p-values for several comparisons (Holm 1979), and no other statistics.

statsmodels has it, too, but takes two seconds to import and collects all garbage at each call, which in a large process
is a second more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def holm(p: Sequence[float]) -> npt.NDArray[np.float64]:
    """Adjusted p-values, shape (n,), in the order given."""
    order = np.argsort(p)
    steps = np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted
