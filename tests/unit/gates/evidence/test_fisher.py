import itertools
import math

import pytest

from davylamp.gates.counts import Count
from davylamp.gates.evidence import fisher as module
from davylamp.gates.evidence.fisher import Table, bernoulli, fisher
from davylamp.gates.evidence.log_math import log_sum_exp, logit

SIZES = list(itertools.product((1, 2, 5, 9), (1, 3, 7), range(17)))
TABLES = [Table(c, s, e, 0) for c, s, e in SIZES if e <= c + s]


def outcomes(table):
    for k in range(table.lowest, table.highest + 1):
        yield k, Table(table.canary, table.stable, table.errors, k)


def probability(table, k, psi):
    def weight(i):
        return math.comb(table.canary, i) * math.comb(table.stable, table.errors - i) * psi**i

    return weight(k) / sum(weight(i) for i, _ in outcomes(table))


@pytest.mark.parametrize("table", TABLES, ids=str)
@pytest.mark.parametrize("psi", [0.3, 1.5, 40.0])
def test_differences_are_those_of_the_exact_distribution(table, psi):
    for k, observed in outcomes(table):
        at_psi, at_one = fisher(observed, (math.log(psi), 0.0))
        expected = math.log(probability(table, k, psi) / probability(table, k, 1.0))
        assert at_psi - at_one == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_p2_ratio_evidence_expects_no_gain_from_any_healthy_canary(table):
    """E[LR] <= 1 for every odds ratio up to the tolerated one: the bound of every false rollback."""
    bound = 1.5
    for psi in (0.0001, 0.1, 0.7, 1.0, 1.3, 1.5):
        for alternative in (2.0, 10.0, 1000.0):
            expected = 0.0
            for k, observed in outcomes(table):
                worse, null = fisher(observed, (math.log(bound * alternative), math.log(bound)))
                expected += probability(table, k, psi) * math.exp(worse - null)
            assert expected <= 1 + 1e-9


def test_p2_rate_evidence_expects_no_gain_from_any_healthy_canary():
    bound, n = 0.05, 12
    for rate in (0.0, 0.001, 0.02, 0.05):
        for alternative in (2.0, 10.0, 1000.0):
            expected = 0.0
            for k in range(n + 1):
                count = Count(n, k)
                gain = bernoulli(count, logit(bound) + math.log(alternative))
                gain -= bernoulli(count, logit(bound))
                chance = math.comb(n, k) * rate**k * (1 - rate) ** (n - k)
                expected += chance * math.exp(gain)
            assert expected <= 1 + 1e-9


@pytest.mark.parametrize("errors", [2_500, 25_000])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_the_large_case_agrees_with_the_exact_sum(errors, share, monkeypatch):
    table = Table(100_000, 400_000, errors, int(errors * share))
    odds = [math.log(x) for x in (1.5, 3.0, 15.0, 1500.0, 0.125)]
    by_mode = fisher(table, odds)
    monkeypatch.setattr(module, "_WALKED", 10**9)
    exact = fisher(table, odds)
    differences = [a - exact[0] - (b - by_mode[0]) for a, b in zip(exact, by_mode, strict=True)]
    assert max(map(abs, differences)) < 1e-7


@pytest.mark.parametrize("canary", [1, 1_000, 10**9])
@pytest.mark.parametrize("stable", [1, 10**9])
@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.5, 1.0])
def test_numbers_stay_finite(canary, stable, rate):
    errors = round(canary * rate) + round(stable * rate)
    table = Table(canary, stable, errors, round(canary * rate))
    assert all(map(math.isfinite, fisher(table, (math.log(1.5), math.log(1500.0)))))


def test_log_sum_exp():
    assert log_sum_exp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))
    assert log_sum_exp([-math.inf, -math.inf]) == -math.inf
