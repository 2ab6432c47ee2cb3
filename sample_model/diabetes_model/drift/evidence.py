"""Is the distance from the baseline larger than what is tolerated? Evidence, and its bound.

The null hypothesis is that each recent row, given those before it, has expected shares within the
limit (in total variation) of the baseline. Then no set of features exceeds its baseline share by
more than the limit, so a bet that the next block's share of a set chosen before that block is above
``baseline + limit`` cannot be expected to win, and by Ville's inequality the wealth of such bets
ever reaches 100 with a chance of at most 1 %, whatever the distribution of the rows.

Per block: the set is the features that exceeded their baseline share in earlier blocks; each row
multiplies the wealth by ``1 + bet * (share of the set - baseline of the set - limit)``. These are
the bets on a bounded mean of Waudby-Smith and Ramdas (2024); they need rows, which the job has, and
win where the shares vary little, which Hoeffding's bound (for those who have sums only) cannot use.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diabetes_model import shares
from diabetes_model.shares import Matrix, Vector

# Bets as parts of the largest that cannot ruin, spread over orders of magnitude: small ones win on
# small excesses, large ones quickly on large excesses. A mixture needs no choice.
BETS: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 0.6)
BLOCK = 20
DRIFT = 100.0
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rows say. ``log_e`` is the natural logarithm of the e-value against the null.

    ``upper`` bounds the true distance from above with 95 % confidence. ``path`` is how ``log_e`` came
    about, block by block: at 0 after the first block, on which nothing could be bet.
    """

    rows: int
    distance: float
    upper: float
    path: tuple[float, ...]

    @property
    def log_e(self) -> float:
        """The evidence after all rows."""
        return self.path[-1]

    @property
    def drifted(self) -> bool:
        """Whether a distance within the limit would give this evidence in less than 1 of 100."""
        return self.log_e >= math.log(DRIFT)


def weigh(rows: Matrix, baseline: Vector, limit: float) -> Evidence:
    """Judges the shares of recent rows, in order of arrival, against the baseline's."""
    apart = shares.distance(rows.mean(axis=0), baseline)
    return Evidence(
        rows=len(rows),
        distance=apart,
        upper=min(1.0, apart + margin(len(rows))),
        path=_log_wealth(rows, baseline, limit),
    )


def margin(rows: int) -> float:
    """How far the true distance can be above the one found, with 95 % confidence.

    The largest excess of any set is at least the excess of the set that is truly largest, and a mean
    of numbers in [0, 1] is that far below its expectation in 5 % at most (Hoeffding).
    """
    return math.sqrt(math.log(1 / (1 - CONFIDENCE)) / (2 * rows))


def rows_needed(apart: float, limit: float) -> int | None:
    """Rows with which this distance would be known to be within the limit; None if no number is."""
    if apart >= limit:
        return None
    return math.ceil(math.log(1 / (1 - CONFIDENCE)) / (2 * (limit - apart) ** 2))


def _log_wealth(rows: Matrix, baseline: Vector, limit: float) -> tuple[float, ...]:
    wealth = np.zeros(len(BETS))
    path = [0.0]
    for start in range(BLOCK, len(rows), BLOCK):
        exceeding = rows[:start].mean(axis=0) > baseline
        block = rows[start : start + BLOCK, exceeding].sum(axis=1)
        wealth += _log_gains(block, float(baseline[exceeding].sum()) + limit)
        path.append(float(np.logaddexp.reduce(wealth) - math.log(len(BETS))))
    return tuple(path)


def _log_gains(values: Vector, fair: float) -> npt.NDArray[np.float64]:
    """Logarithm of what each bet makes of 1; nothing is bet on what cannot be exceeded."""
    if fair >= 1:
        return np.zeros(len(BETS))
    bets = np.array(BETS)[:, None] / fair
    gains: npt.NDArray[np.float64] = np.log1p(bets * (values[None, :] - fair)).sum(axis=1)
    return gains
