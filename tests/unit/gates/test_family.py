"""All gates of a rollout together: what several know in part convicts, and the bound is one."""

import random
from dataclasses import replace

from tests.unit.gates.stories import START, pod, steady

from davylamp.gates import (
    ERRORS,
    LATENCY,
    Count,
    ErrorRate,
    JudgementContext,
    Latency,
    Query,
    QueryAnswers,
    Sample,
    Scrapes,
    ShareChange,
    Threshold,
    Trial,
    Verdict,
    judge_all,
    open_family,
    take_in,
)
from davylamp.gates.missing_data import unread

BOUND = 0.0045
"""Half of 0.9 %: what two gates have of a falseRollback of 1 %."""
WEIGHTS = (ShareChange(START, 0.25),)
BLOCKS = 3
END = START + BLOCKS * 5.0 + 2.0


def trial(rule, **changes):
    return Trial(rule, START, WEIGHTS, **changes)


def two_gates(**slow):
    """Errors and slow answers, each with its part of the bound."""
    errors = ErrorRate(false_rollback=BOUND, burst=1.0)
    latency = Latency(over=0.1, false_rollback=BOUND, burst=1.0, min_blocks=2, warm_up=0.0)
    return {"errors": trial(errors), "slow": trial(latency, **slow)}


def histogram(samples):
    """Slow answers for errors."""
    return [
        Sample(s.time, s.requests, 0.0, {"0.1": s.requests - s.errors, "1": s.requests})
        for s in samples
    ]


def scraped(errors=4, slow=5, *, calm=0):
    """A canary with that many errors and slow answers of 100 in each scrape, then with none."""
    until, served = END + 5.0 * calm, BLOCKS + calm

    def canary(bad):
        return pod(*[(100, bad)] * BLOCKS, *[(100, 0)] * calm, phase=2.0)

    stable = steady(served, 300, 1, phase=1.0, base=(5_000, 10))
    lazy = steady(served, 300, 2, phase=1.0, base=(5_000, 10))
    return {
        ERRORS: Scrapes(until, {"s": stable}, {"c": canary(errors)}),
        LATENCY: Scrapes(until, {"s": histogram(lazy)}, {"c": histogram(canary(slow))}),
    }


def around(now=END, **changes):
    plain = JudgementContext(now, frozenset({"c"}), frozenset({"s"}))
    return replace(plain, **changes)


def judged(trials, scrapes, answers=(), **changes):
    family = take_in(trials, open_family(trials), scrapes, dict(answers))
    return family, judge_all(trials, family, around(**changes))


def test_two_gates_that_would_not_fail_alone_convict_together():
    trials = two_gates()
    for name, each in trials.items():
        alone, said = judged({name: each}, scraped())
        assert said[name].verdict is Verdict.UNDECIDED
        assert 0.5 < alone.shares[name] < 1
    family, said = judged(trials, scraped())
    assert family.worse is not None
    assert family.worse.leading == "slow"
    assert sum(share for _, share in family.worse.shares) >= 1
    assert said["errors"].verdict is Verdict.UNDECIDED
    assert (said["slow"].verdict, said["slow"].reason) == (Verdict.FAIL, "LatencyWorse")


def test_the_sentence_names_each_gates_part_and_what_the_leading_one_saw():
    _, said = judged(two_gates(), scraped())
    assert said["slow"].message == (
        "the gates together have the evidence that one alone needs (slow 96.7 %, errors 81.3 %); "
        "gate slow: canary 15 of 300 requests slower than 0.1 s (5 %) against "
        "stable 6 of 900 (0.67 %)"
    )
    assert said["slow"].requests_needed is None
    assert said["slow"].decided_at == END


def test_the_counts_are_those_of_the_decision():
    """Whatever is seen afterwards: the sentence that took the canary back stays true."""
    trials = two_gates()
    family, first = judged(trials, scraped())
    family = take_in(trials, family, scraped(calm=6), {})
    said = judge_all(trials, family, around(END + 30))
    assert family.states["slow"].candidate.requests == 900
    assert said["slow"].message == first["slow"].message
    assert said["slow"].candidate == first["slow"].candidate == Count(300, 15)


def test_a_conviction_stays_while_nothing_can_be_measured():
    trials = two_gates()
    family = take_in(trials, open_family(trials), scraped(), {})
    down = dict.fromkeys(trials, unread("SourceDown", "no answer"))
    said = judge_all(trials, family, around(END + 900, unread=down))
    assert (said["errors"].verdict, said["errors"].reason) == (Verdict.UNKNOWN, "SourceDown")
    assert said["slow"].verdict is Verdict.FAIL
    assert "slower than 0.1 s" in said["slow"].message


def test_a_gate_that_only_warns_or_pauses_adds_nothing():
    family, said = judged(two_gates(rolls_back=False), scraped())
    assert family.worse is None
    assert "slow" not in family.shares
    assert {each.verdict for each in said.values()} == {Verdict.UNDECIDED}


def test_a_gate_that_only_warns_still_fails_by_its_own_bound():
    family, said = judged(two_gates(rolls_back=False), scraped(errors=0, slow=30))
    assert family.worse is None
    assert said["slow"].verdict is Verdict.FAIL
    assert "the gates together" not in said["slow"].message


def test_where_one_gate_fails_on_its_own_it_speaks_for_itself():
    family, said = judged(two_gates(), scraped(errors=30, slow=5))
    assert family.worse is not None
    assert said["errors"].verdict is Verdict.FAIL
    assert said["slow"].verdict is not Verdict.FAIL
    assert not any("the gates together" in each.message for each in said.values())


def test_gates_without_a_bound_add_nothing_and_answer_for_themselves():
    own = Query(promql="up", highest=1.0, failures=1)
    trials = {
        **two_gates(),
        "classic": trial(Threshold(max_rate=0.03, failures=1, window=10.0)),
        "own": trial(own),
    }
    answers = {"own": QueryAnswers(END, {START + 15: 3.0})}
    family, said = judged(trials, scraped(errors=0, slow=0) | {}, answers)
    assert family.shares.keys() <= {"errors", "slow"}
    assert said["own"].verdict is Verdict.FAIL
    assert said["classic"].verdict is Verdict.PASS
    assert family.worse is None


def test_the_trouble_of_one_channel_or_query_is_not_the_others():
    trials = {**two_gates(), "own": trial(Query(promql="up", highest=1.0))}
    family, _ = judged(trials, scraped(errors=0, slow=0))
    said = judge_all(
        trials,
        family,
        around(
            unread={
                "slow": unread("BadAnswer", "no histogram"),
                "own": unread("SourceDown", "no answer"),
            }
        ),
    )
    reasons = {name: each.reason for name, each in said.items()}
    assert reasons == {"errors": "GatheringEvidence", "slow": "BadAnswer", "own": "SourceDown"}


def test_a_channel_that_was_not_read_leaves_its_gates_where_they_were():
    trials = two_gates()
    errors = {ERRORS: scraped()[ERRORS]}
    family = take_in(trials, open_family(trials), errors, {})
    assert family.states["slow"] == open_family(trials).states["slow"]
    assert family.states["errors"].candidate.requests == 300


def test_p2_on_healthy_canaries_the_family_keeps_its_bound():
    """At the worst of the nulls: three gates that see the same bad luck, each at its own bound."""
    family = 0.2
    rules = {
        "errors": ErrorRate(max_rate=0.05, burst=1.0, false_rollback=family / 3),
        "patient": ErrorRate(max_rate=0.05, ratio=2.0, burst=1.0, false_rollback=family / 3),
        "slow": Latency(
            over=0.1, max_share=0.05, burst=1.0, false_rollback=family / 3, warm_up=0.0
        ),
    }
    trials = {name: trial(rule) for name, rule in rules.items()}
    runs, chance = 150, random.Random(5)
    convicted = sum(_convicts(trials, chance) for _ in range(runs))
    assert convicted <= runs * family
    assert convicted > 0  # it is the worst null: a bound that is never used would hide a defect


def _convicts(trials, chance, blocks=25):
    def drawn():
        total, found = 0, [Sample(START + 2.0, 0.0)]
        for block in range(1, blocks + 1):
            total += sum(chance.random() < 0.05 for _ in range(40))
            found.append(Sample(START + 2.0 + 5.0 * block, 40.0 * block, float(total)))
        return found

    canary = drawn()
    stable = steady(blocks, 120, 0, phase=1.0, base=(1_000, 0))
    scrapes = {
        ERRORS: Scrapes(START + 1_000, {"s": stable}, {"c": canary}),
        LATENCY: Scrapes(START + 1_000, {"s": histogram(stable)}, {"c": histogram(canary)}),
    }
    family = take_in(trials, open_family(trials), scrapes, {})
    return family.worse is not None
