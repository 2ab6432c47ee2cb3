"""The situations whose figures the design states, by the names it gives them."""

from __future__ import annotations

from collections.abc import Mapping

from bench.gates.canaries import Scenarios
from bench.gates.pods import Rates, Scenario, always, between, bursts

VOLUMES = {"100rps/5%": (100.0, 0.05), "10rps/10%": (10.0, 0.10), "1rps/5%": (1.0, 0.05)}
"""Requests per second, and the canary's share of them."""
NORMAL = 0.005
LATE = 1200.0


def scenario(volume: str, name: str, stable: Rates, canary: Rates, *, cluster: int = 1) -> Scenario:
    """Name a scenario by its volume."""
    rps, share = VOLUMES[volume]
    return Scenario(f"{volume} {name}", rps, share, stable, canary, cluster)


def shared(rates: Rates, *, name: str, volume: str = "100rps/5%", cluster: int = 1) -> Scenario:
    """Both revisions have the same error rate."""
    return scenario(volume, name, rates, rates, cluster=cluster)


def incident(rate: float, *, lead: float = 0.0) -> tuple[Rates, Rates]:
    """Both revisions fail for 5 minutes; the canary's counters show it `lead` seconds earlier."""
    begin, end = 600.0, 900.0
    return between(begin, end, rate, NORMAL), between(begin - lead, end - lead, rate, NORMAL)


def healthy() -> Mapping[str, Scenarios]:
    """Section 5.1: canaries that must not be rolled back."""
    found: dict[str, Scenarios] = {}
    for volume in VOLUMES:
        found[f"{volume} healthy 0.5%"] = shared(always(NORMAL), name="", volume=volume)
        found[f"{volume} shared incident 5% x 5min"] = scenario(volume, "", *incident(0.05))
    blips = {
        f"100rps/5% one canary-only {length} s blip of 100% errors": scenario(
            "100rps/5%", "", always(NORMAL), between(600.0, 600.0 + length, 1.0, NORMAL)
        )
        for length in (5, 15)
    }
    return {
        **found,
        "100rps/5% both at 0.95% (just under SLO)": shared(always(0.0095), name=""),
        "100rps/5% both at 2% all hour (over SLO)": shared(always(0.02), name=""),
        "100rps/5% shared 5s bursts (50% errors)": shared_bursts,
        "100rps/5% independent per-version bursts": rare_bursts,
        **blips,
    }


def shared_bursts(seed: int) -> Scenario:
    """Both revisions fail together, now and then for 5 s."""
    return shared(bursts(seed, 0.01, 0.5, NORMAL), name="")


def rare_bursts(seed: int) -> Scenario:
    """Each revision fails on its own, now and then for 5 s."""
    return _each_on_its_own(seed, 0.01, NORMAL)


def frequent_bursts(seed: int) -> Scenario:
    """The same four times as often, which lifts the mean to 2.2 %."""
    return _each_on_its_own(seed, 0.04, 0.002)


def _each_on_its_own(seed: int, share: float, otherwise: float) -> Scenario:
    rates = (bursts(2 * seed + i, share, 0.5, otherwise) for i in (1, 2))
    return scenario("100rps/5%", "", *rates)


def broken() -> Mapping[str, Scenarios]:
    """Section 5.2: canaries that are worse from their start, or 20 minutes later."""
    at_once = {
        f"{volume} 0.5%->{rate:.0%} from t=0": scenario(volume, "", always(NORMAL), always(rate))
        for volume in VOLUMES
        for rate in (0.02, 0.05, 0.20, 1.0)
    }
    later = {
        f"100rps/5% healthy 20min then {rate:.0%}": scenario(
            "100rps/5%", "", always(NORMAL), between(LATE, 1e9, rate, NORMAL)
        )
        for rate in (0.05, 1.0)
    }
    return {**at_once, **later}


def boundaries() -> Mapping[str, Scenarios]:
    """Section 5.3: the worst canaries that still are not worse than allowed."""
    rates = {
        "ratio boundary: stable 2%, canary odds x1.5": (0.02, 1.5 * 0.02 / (1 + 0.5 * 0.02)),
        "ratio boundary: stable 10%, canary odds x1.5": (0.10, 1.5 * 0.10 / (1 + 0.5 * 0.10)),
        "A/A, ratio=1, stable=canary=5%": (0.05, 0.05),
        "SLO boundary: canary 1%, stable 0.1%": (0.001, 0.01),
        "SLO boundary: canary 1%, stable 0": (0.0, 0.01),
    }
    return {
        name: scenario("100rps/5%", "", always(stable), always(canary))
        for name, (stable, canary) in rates.items()
    }


def promotions() -> Mapping[str, Scenarios]:
    """Section 5.4: canaries from perfect to bad, stable at the same rate or healthy."""
    alike = [(rate, rate) for rate in (0.0, 0.001, 0.003, 0.005, 0.008, 0.02)]
    worse = [(rate, NORMAL) for rate in (0.01, 0.012, 0.02, 0.05)]
    return {
        f"canary {canary:.1%}, stable {stable:.1%}": scenario(
            "100rps/5%", "", always(stable), always(canary)
        )
        for canary, stable in (*alike, *worse)
    }


def clusters() -> Mapping[str, Scenarios]:
    """Section 5.5: correlated errors."""
    return {
        "null: clusters of 5, both 2%": shared(always(0.02), name="", cluster=5),
        "null: clusters of 5, both 0.5%": shared(always(NORMAL), name="", cluster=5),
        "null: independent bursts, both mean 2.2% (4% of ticks at 50%)": frequent_bursts,
        **{
            f"bad: clusters of 5, 0.5%->{rate:.0%}": scenario(
                "100rps/5%", "", always(NORMAL), always(rate), cluster=5
            )
            for rate in (0.05, 0.20)
        },
    }


def misaligned() -> Mapping[str, Scenarios]:
    """Section 5.6: a shared incident that one side's counters show earlier than the other's."""
    return {
        f"{rate:.0%} errors, canary {lead:+.0f} s earlier": scenario(
            "100rps/5%", "", *incident(rate, lead=lead)
        )
        for rate in (0.05, 1.0)
        for lead in (0.0, 5.0, 15.0, -5.0, -15.0)
    }
