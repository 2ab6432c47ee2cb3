"""The sequential test written straight from its formulas, as an oracle.

No guards, no block rule, no shortcuts: one call per block, every sum from end to end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, isfinite, log, log1p

GRID = tuple(map(log, (2.0, 4.0, 10.0, 40.0, 1000.0)))
LOW = tuple(map(log, (1 / 2, 1 / 4, 1 / 16)))


@dataclass(frozen=True)
class Config:
    alpha: float = 0.01
    beta: float = 0.01
    floor: float = 0.01
    ratio: float = 1.5
    tol: float = 0.01
    tol_ratio: float = 2.0
    min_blocks: int = 2
    burst: float = 1.0
    horizon: int = 1440


@dataclass(frozen=True)
class State:
    fisher: tuple[float, ...] = (log(0.5),) * 5
    slo: tuple[float, ...] = (log(0.5),) * 5
    p_fisher: tuple[float, ...] = (0.0,) * 3
    p_slo: tuple[float, ...] = (0.0,) * 3
    blocks: int = 0


def lse(xs):
    m = max(xs)
    return m + log(sum(exp(x - m) for x in xs)) if isfinite(m) else m


def fisher_logpmf(k, nc, ns, total, lpsis):
    lo, hi, a = max(0, total - ns), min(nc, total), [0.0]
    for i in range(lo, hi):
        a.append(a[-1] + log((nc - i) * (total - i)) - log((i + 1) * (ns - total + i + 1)))
    return [(k - lo) * each - lse([ai + i * each for i, ai in enumerate(a)]) for each in lpsis]


def bern_loglik(e, n, lodds):
    return e * lodds - n * (lodds + log1p(exp(-lodds)) if lodds > 0 else log1p(exp(lodds)))


def update(s, c, nc, ec, ns, es):
    l0, l1 = log(c.ratio), log(c.tol_ratio)
    f0, t0 = log(c.floor / (1 - c.floor)), log(c.tol / (1 - c.tol))
    odds = [l0, *(l0 + g for g in GRID), l1, *(l1 + g for g in LOW)]
    fl = fisher_logpmf(ec, nc, ns, ec + es, odds)
    cap, j = log(2 * len(GRID) / c.alpha) / c.min_blocks, s.blocks + 1
    late = log(0.5 / c.horizon) if j <= c.horizon else -inf

    def step(old, num, den):
        return lse((old, late)) + min((num - den) / c.burst, cap)

    def rate(g, base):
        return bern_loglik(ec, nc, base + g) - bern_loglik(ec, nc, base)

    return replace(
        s,
        fisher=tuple(step(old, x, fl[0]) for old, x in zip(s.fisher, fl[1:6], strict=True)),
        slo=tuple(step(old, rate(g, f0), 0.0) for old, g in zip(s.slo, GRID, strict=True)),
        p_fisher=tuple(
            old + (x - fl[6]) / c.burst for old, x in zip(s.p_fisher, fl[7:], strict=True)
        ),
        p_slo=tuple(old + rate(g, t0) / c.burst for old, g in zip(s.p_slo, LOW, strict=True)),
        blocks=j,
    )


def evidence(s, c):
    left = 0.5 * max(0.0, 1 - s.blocks / c.horizon)
    rem = log(left) if left > 0 else -inf
    bad = min(lse((lse(each) - log(len(GRID)), rem)) for each in (s.fisher, s.slo))
    return bad, lse(s.p_fisher + s.p_slo) - log(2 * len(LOW))
