import math
import random

import pytest

from davylamp.simulation.traffic import poisson


@pytest.mark.parametrize("mean", [0.0, 0.3, 7.0, 49.0, 400.0])
def test_poisson_has_its_mean_and_variance(mean):
    rng = random.Random(3)
    drawn = [poisson(mean, rng) for _ in range(4000)]
    middle = sum(drawn) / len(drawn)
    spread = sum((each - middle) ** 2 for each in drawn) / len(drawn)
    assert middle == pytest.approx(mean, abs=4 * math.sqrt(mean / 4000) + 1e-9)
    assert spread == pytest.approx(mean, rel=0.15, abs=1e-9)
