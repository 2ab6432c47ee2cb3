"""The effect sizes that the tests look for: grids of alternatives to what is tolerated."""

from __future__ import annotations

import math
from typing import Final

WORSE: Final = tuple(math.log(odds) for odds in (2.0, 4.0, 10.0, 40.0, 1000.0))
"""Rollback alternatives: log odds multipliers above the bound, from 1.5x to 100 % errors."""

BETTER: Final = tuple(math.log(odds) for odds in (1 / 2, 1 / 4, 1 / 16))
"""Promotion alternatives: log odds multipliers below the bound."""

THETAS: Final = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Rollback alternatives of differences: by how much one is above what is tolerated."""

MOST: Final = max(len(WORSE), len(THETAS))
"""Rollback alternatives of a line at most; they share its prior."""
