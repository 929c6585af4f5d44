# SPDX-License-Identifier: Apache-2.0
"""Tests whether numbers of runs show anything: by scipy; own are only the corrections for several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineage.sources.decision_records.criteria import Criterion

#: Ways in which signs or groups are exchanged, at most; up to them every one is looked at.
_RESAMPLES = 9_999


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several tests after Holm's correction (Holm 1979), in the same order.

    >>> [round(p, 4) for p in holm([0.012, 0.03, 0.04, 0.2, 0.6])]
    [0.06, 0.12, 0.12, 0.4, 0.6]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [0.0] * len(values)
    highest = 0.0
    for place, number in enumerate(order):
        highest = max(highest, min(1.0, values[number] * (len(values) - place)))
        adjusted[number] = highest
    return adjusted


def carried_out(
    criterion: Criterion, sample: Any, other: Any, value: float
) -> tuple[float | None, tuple[float, float] | None]:
    """The two-sided p that the mean, or the difference from the baseline, is the value; and the interval
    of that mean. ``sample`` and ``other`` are arrays; without values in ``other`` there is no baseline.
    """
    import numpy as np
    from scipy import stats

    level = criterion.level
    if criterion.test in {"t", "paired-t"}:
        if other.size:
            # Welch: nothing says that both vary as much.
            done = stats.ttest_ind(sample - value, other, equal_var=False)
            low, high = done.confidence_interval(level)
            return float(done.pvalue), (float(low) + value, float(high) + value)
        done = stats.ttest_1samp(sample, value)
        low, high = done.confidence_interval(level)
        return float(done.pvalue), (float(low), float(high))
    if criterion.test == "wilcoxon" and not other.size:
        done = stats.wilcoxon(sample - value)
        return float(done.pvalue), _bootstrap(stats, np, sample, other, level)
    # Permutation, and bootstrap: exact by signs or by groups; the interval is the bootstrap's.
    generator = np.random.default_rng(0)
    data = (sample - value, other) if other.size else (sample - value,)
    done = stats.permutation_test(
        data,
        _difference if other.size else np.mean,
        permutation_type="independent" if other.size else "samples",
        n_resamples=_RESAMPLES,
        rng=generator,
    )
    return float(done.pvalue), _bootstrap(stats, np, sample, other, level)


def _difference(a: Any, b: Any) -> Any:
    return a.mean() - b.mean()


def _bootstrap(
    stats: Any, np: Any, sample: Any, other: Any, level: float
) -> tuple[float, float] | None:
    """The bias-corrected bootstrap interval (BCa) of the mean, or of the difference of means."""
    if np.ptp(sample) == 0:
        return None
    done = stats.bootstrap(
        (sample, other) if other.size else (sample,),
        _difference if other.size else np.mean,
        confidence_level=level,
        n_resamples=_RESAMPLES,
        vectorized=False if other.size else None,
        rng=np.random.default_rng(0),
    )
    low, high = done.confidence_interval
    return (float(low), float(high)) if math.isfinite(low) and math.isfinite(high) else None
