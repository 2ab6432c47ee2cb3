"""Attribution shares: how much of an answer each feature is responsible for.

A row's share of a feature is the absolute contribution of that feature over the sum of all absolute
contributions: a distribution over features. The distance between two mean shares is their total
variation: the largest difference in what any set of features is responsible for.
"""

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


def of(contributions: Matrix) -> Matrix:
    """Rows x features in, rows x features out; each row sums to 1.

    A row to which no feature contributed anything counts for all features equally.
    """
    absolute = np.abs(contributions)
    totals = absolute.sum(axis=1, keepdims=True)
    equal = np.full_like(absolute, 1 / absolute.shape[1])
    shares: Matrix = np.divide(absolute, totals, out=equal, where=totals > 0)
    return shares


def distance(left: Vector, right: Vector) -> float:
    """Total variation of two distributions over the same features, in [0, 1]."""
    return float(np.abs(left - right).sum() / 2)
