"""Well-known numbers beside the one that decides: none of these bounds a false alarm."""

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

from diabetes_model.shares import Vector

BINS = 10
SMOOTHING = 1e-6


def rank_correlation(left: Vector, right: Vector) -> float | None:
    """Spearman's, in [-1, 1]: do the features keep their order? None when one side has no order."""
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(spearmanr(left, right).statistic)


def jensen_shannon(left: Vector, right: Vector) -> float:
    """Jensen-Shannon distance in bits, in [0, 1]."""
    return float(np.nan_to_num(jensenshannon(left, right, base=2)))


def psi_of_shares(reference: Vector, recent: Vector) -> float:
    """Population stability index of two mean share vectors; nothing to correct, they are no counts."""
    return _psi(reference, recent)


def psi_of_scores(reference: Vector, recent: Vector) -> float:
    """Population stability index over tenths of the reference, less what chance alone gives.

    Without drift its expectation is ``(bins - 1) * (1/n + 1/m)``: with 50 rows that alone passes the
    customary 0.1. So it is taken off, and what remains is 0 at least.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    left = np.bincount(np.searchsorted(edges, reference), minlength=len(edges) + 1)
    right = np.bincount(np.searchsorted(edges, recent), minlength=len(edges) + 1)
    chance = len(edges) * (1 / len(reference) + 1 / len(recent))
    return max(
        0.0, _psi((left + 0.5) / (left + 0.5).sum(), (right + 0.5) / (right + 0.5).sum()) - chance
    )


def _psi(left: Vector, right: Vector) -> float:
    a, b = left + SMOOTHING, right + SMOOTHING
    return float(((a - b) * np.log(a / b)).sum())
