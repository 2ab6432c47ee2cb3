"""The situations whose figures the design states, with those figures."""

from __future__ import annotations

from dataclasses import dataclass

from bench.gates.traffic import Rates, Scenario, always, between, bursts

from davylamp.gates import ErrorRate, Rule, Threshold

FAST = ErrorRate(burst=1.0)
CAREFUL = ErrorRate(burst=1.0, min_blocks=4)
CLASSIC = Threshold(max_rate=0.01, failures=5, window=60.0, min_requests=1)


@dataclass(frozen=True)
class Case:
    """A scenario under a rule; `design` is the figure to agree with, as the design states it."""

    scenario: Scenario
    rule: Rule
    design: str


def scenario(volume: str, name: str, stable: Rates, canary: Rates, *, cluster: int = 1) -> Scenario:
    """Name a scenario by its volume, given as requests per second and share of the canary."""
    rps, share = VOLUMES[volume]
    return Scenario(f"{volume} {name}", rps, share, stable, canary, cluster)


VOLUMES = {"100rps/5%": (100.0, 0.05), "10rps/10%": (10.0, 0.10), "1rps/5%": (1.0, 0.05)}


def shared(rates: Rates, *, name: str, volume: str = "100rps/5%") -> Scenario:
    """Both revisions have the same error rate."""
    return scenario(volume, name, rates, rates)


def incident(rate: float, *, lead: float = 0.0) -> tuple[Rates, Rates]:
    """Both revisions fail for 5 minutes; the canary's counters show it `lead` seconds earlier."""
    begin, end = 600.0, 900.0
    return between(begin, end, rate, 0.005), between(begin - lead, end - lead, rate, 0.005)


def healthy() -> list[Case]:
    """Section 5.1: canaries that must not be rolled back."""
    cases = []
    for volume in VOLUMES:
        cases.append(Case(shared(always(0.005), name="healthy 0.5%", volume=volume), FAST, "0.0%"))
        both = incident(0.05)
        cases.append(
            Case(scenario(volume, "shared incident 5% x 5min", *both), FAST, "0.0%"),
        )
    blip = between(600.0, 615.0, 1.0, 0.005)
    return [
        *cases,
        Case(shared(always(0.0095), name="both at 0.95%"), FAST, "0.0%"),
        Case(shared(always(0.02), name="both at 2%"), FAST, "0.0%"),
        Case(shared(bursts(7, 0.02, 0.5, 0.005), name="shared 5s bursts of 50%"), FAST, "0.0%"),
        Case(scenario("100rps/5%", "15 s canary blip", always(0.005), blip), FAST, "18.5%"),
        Case(scenario("100rps/5%", "15 s canary blip, K=4", always(0.005), blip), CAREFUL, "0.0%"),
        Case(shared(always(0.005), name="healthy 0.5%, classic 5x60s"), CLASSIC, "89.3%"),
    ]


def broken() -> list[Case]:
    """Section 5.2: seconds to the rollback of a canary that is worse from its start or later."""
    figures = {
        "100rps/5%": {0.02: "310 / 740", 0.05: "40 / 80", 0.20: "10 / 15", 1.0: "10 / 10"},
        "10rps/10%": {0.05: "185 / 400", 0.20: "25 / 55", 1.0: "10 / 10"},
        "1rps/5%": {0.20: "410 / 1015", 1.0: "70 / 135"},
    }
    return [
        Case(scenario(volume, f"0.5% -> {rate:.0%}", always(0.005), always(rate)), FAST, design)
        for volume, rates in figures.items()
        for rate, design in rates.items()
    ]


def late() -> list[Case]:
    """Section 5.2: the same for a canary that breaks after 20 healthy minutes."""
    return [
        Case(scenario("100rps/5%", f"{rate:.0%} after 20 min", always(0.005), turned), FAST, said)
        for rate, said in ((0.05, "65 / 115"), (1.0, "20 / 20"))
        for turned in (between(1200.0, 1e9, rate, 0.005),)
    ]


def boundaries() -> list[Case]:
    """Section 5.3: the worst canaries that still are not worse than allowed."""
    table = [
        ("stable 2%, canary odds x1.5", 0.02, 1.5 * 0.02 / (1 + 0.5 * 0.02), "0.23%"),
        ("stable 10%, canary odds x1.5", 0.10, 1.5 * 0.10 / (1 + 0.5 * 0.10), "0.00%"),
        ("canary 1%, stable 0.1%", 0.001, 0.01, "0.23%"),
        ("canary 1%, stable 0", 0.0, 0.01, "0.10%"),
    ]
    return [
        Case(scenario("100rps/5%", name, always(stable), always(canary)), FAST, figure)
        for name, stable, canary, figure in table
    ]


def misaligned() -> list[Case]:
    """Section 5.6: a shared outage that one side's counters show earlier than the other's."""
    table = [
        (0.05, 15.0, FAST, "0.2%"),
        (1.0, 5.0, FAST, "0.0%"),
        (1.0, -5.0, FAST, "0.0%"),
        (1.0, 15.0, FAST, "47.0%"),
        (1.0, -15.0, FAST, "100.0%"),
        (1.0, 15.0, CAREFUL, "0.0%"),
        (1.0, -15.0, CAREFUL, "0.2%"),
    ]
    return [
        Case(
            scenario("100rps/5%", f"{rate:.0%}, {lead:+.0f} s, K={rule.agreeing_blocks}", *both),
            rule,
            figure,
        )
        for rate, lead, rule, figure in table
        for both in (incident(rate, lead=lead),)
    ]


def promoted() -> list[Case]:
    """Section 5.4: seconds to the first pass."""
    table = [
        (0.0, 0.0, "100.0%, 130 / 140"),
        (0.005, 0.005, "100.0%, 620 / 1510"),
        (0.02, 0.02, "100.0%, 205 / 475"),
        (0.005, 0.012, "0.0%"),
        (0.005, 0.05, "0.0%"),
    ]
    return [
        Case(
            scenario("100rps/5%", f"stable {s:.1%} canary {c:.1%}", always(s), always(c)),
            FAST,
            figure,
        )
        for s, c, figure in table
    ]
