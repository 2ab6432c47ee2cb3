"""What a gate of the spec means: the rule, its bounds, and when it judges."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from davylamp import gates as rules
from davylamp.api.gates import Gate, OnFail
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, Stage
from davylamp.api.status_parts import FeatureShare, GateRate, WeightChange
from davylamp.gates.kinds.base import WrongDecisions
from davylamp.gates.kinds.bias import BiasSpec
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.gates.kinds.explanations import ExplanationsSpec, Reference
from davylamp.gates.kinds.latency import LatencySpec
from davylamp.gates.kinds.predictions import PredictionsSpec
from davylamp.gates.kinds.query import QuerySpec
from davylamp.rollout.trials import canary_trials, probation_trials, rule_of, survey_trials
from davylamp.schema.pseudonyms import pseudonym

AT = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
BUDGET = WrongDecisions(0.004, 0.02)
BOUNDS = {"false_rollback": 0.004, "false_promotion": 0.02}
OF_EACH_KIND = {
    "error_rate": ErrorRateSpec(),
    "latency": LatencySpec(over="250ms"),
    "predictions": PredictionsSpec(),
    "explanations": ExplanationsSpec(),
    "bias": BiasSpec(),
    "query": QuerySpec(promql="up", max="1"),
}
BOUNDED = OF_EACH_KIND.keys() - {"query"}


def gate(kind, name=None, on_fail=None, **settings):
    """A gate of a kind, with settings other than those of `OF_EACH_KIND`."""
    told = type(OF_EACH_KIND[kind])(**settings) if settings else OF_EACH_KIND[kind]
    return Gate(name=name or kind.replace("_", "-"), on_fail=on_fail, **{kind: told})


def candidate(*gates, baseline=(), shares=(), **settings):
    return Candidate(
        revision="b" * 10,
        tag="b",
        feature_snapshot="s",
        seed=1,
        stage=Stage.CANARY,
        started_at=AT - timedelta(minutes=5),
        stage_at=AT,
        canary_at=AT,
        plan=Rollout(gates=gates, **settings),
        baseline=tuple(FeatureShare(feature=f, share=s) for f, s in baseline),
        weights=tuple(
            WeightChange(weight=50, share=share, at=AT + timedelta(seconds=at))
            for share, at in shares
        ),
    )


def bound(trial):
    return getattr(trial.rule, "false_rollback", 0.0)


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("error_rate", rules.ErrorRate(max_rate=0.01, ratio=1.5, promote_ratio=2.0, **BOUNDS)),
        (
            "latency",
            rules.Latency(
                over=0.25, max_share=0.01, ratio=1.25, promote_ratio=2.0, warm_up=30.0, **BOUNDS
            ),
        ),
        ("predictions", rules.ScoreDistance(distance=0.1, **BOUNDS)),
        ("explanations", rules.ShareDistance(distance=0.1, **BOUNDS)),
        ("bias", rules.GroupRateGap(max_gap=0.1, increase=0.05, positive=True, **BOUNDS)),
        ("query", rules.Query(promql="up", highest=1.0, failures=3, interval=15.0)),
    ],
)
def test_every_kind_of_gate_has_a_rule_with_these_defaults(kind, rule):
    assert rule_of(gate(kind), BUDGET) == rule


@pytest.mark.parametrize(
    ("kind", "settings", "rule"),
    [
        (
            "error_rate",
            {"max": "2.5%", "ratio": "3", "burst": "4.5", "min_blocks": 6},
            rules.ErrorRate(
                max_rate=0.025, ratio=3.0, promote_ratio=3.0, burst=4.5, min_blocks=6, **BOUNDS
            ),
        ),
        (
            "error_rate",
            {"method": "Threshold", "max": "5%", "failures": 4, "window": "90s"},
            rules.Threshold(max_rate=0.05, failures=4, window=90.0),
        ),
        (
            "latency",
            {"over": "1.5s", "max": "5%", "ratio": "4", "tolerance": 2, "warm_up": "1m"},
            rules.Latency(
                over=1.5,
                max_share=0.05,
                ratio=4.0,
                promote_ratio=4.0,
                tolerance=2,
                warm_up=60.0,
                **BOUNDS,
            ),
        ),
        (
            "predictions",
            {"distance": "0.25", "measure": "Wasserstein"},
            rules.ScoreDistance(distance=0.25, ordered=True, **BOUNDS),
        ),
        (
            "bias",
            {"outcome": "Error", "max": "0.2", "increase": "0"},
            rules.GroupRateGap(max_gap=0.2, increase=0.0, positive=False, **BOUNDS),
        ),
        (
            "query",
            {
                "promql": 'up{pod=~"{{ pods }}"}',
                "min": "-1.5",
                "max": "2",
                "ratio": "1.2",
                "failures": 5,
                "consecutive_failures": 2,
                "interval": "1m",
                "warm_up": "2m",
            },
            rules.Query(
                promql='up{pod=~"{{ pods }}"}',
                lowest=-1.5,
                highest=2.0,
                ratio=1.2,
                failures=5,
                in_a_row=2,
                interval=60.0,
                warm_up=120.0,
            ),
        ),
    ],
    ids=["errors", "threshold", "latency", "predictions", "bias", "query"],
)
def test_every_setting_reaches_the_rule(kind, settings, rule):
    assert rule_of(gate(kind, **settings), BUDGET) == rule


def test_latency_without_a_bound_compares_alone():
    assert rule_of(gate("latency", ratio="2"), BUDGET).over is None


def test_a_query_without_bounds_is_open_to_both_sides():
    rule = rule_of(gate("query", promql="up", ratio="1.5"), BUDGET)
    assert (rule.lowest, rule.highest) == (-math.inf, math.inf)


SHARES = {"bmi": 0.75, "age": 0.25}


@pytest.mark.parametrize(
    ("against", "shares", "stable", "trained"),
    [
        (tuple(Reference), SHARES, True, True),
        (tuple(Reference), {}, True, False),
        ((Reference.STABLE,), SHARES, True, False),
        ((Reference.BASELINE,), SHARES, False, True),
        ((Reference.BASELINE,), {}, True, False),
    ],
    ids=["both", "both, unknown", "stable alone", "baseline alone", "baseline alone, unknown"],
)
def test_explanations_are_compared_with_what_is_wanted_and_known(against, shares, stable, trained):
    rule = rule_of(gate("explanations", against=against), BUDGET, shares)
    assert rule.against_stable is stable
    assert dict(rule.baseline) == (SHARES if trained else {})


def test_the_shares_of_training_come_from_the_status():
    noted = candidate(gate("explanations"), baseline=[("bmi", "0.750000"), ("age", "0.250000")])
    for trials in (canary_trials(noted, 5.0), survey_trials(noted, 5.0)):
        assert trials["explanations"].rule.baseline == (
            (pseudonym("age"), 0.25),
            (pseudonym("bmi"), 0.75),
        )


# --- what a failure does ----------------------------------------------------------------------


def test_explanations_pause_and_all_others_take_back_unless_the_spec_says_otherwise():
    actions = {kind: gate(kind).action for kind in OF_EACH_KIND}
    assert actions.pop("explanations") is OnFail.PAUSE
    assert set(actions.values()) == {OnFail.ROLLBACK}
    assert gate("explanations", on_fail=OnFail.ROLLBACK).action is OnFail.ROLLBACK
    assert gate("bias", on_fail=OnFail.WARN).action is OnFail.WARN


def test_only_a_gate_that_takes_back_may_convict_with_others():
    plan = [gate("error_rate", name=each.lower(), on_fail=each) for each in OnFail]
    found = {name: t.rolls_back for name, t in canary_trials(candidate(*plan), 5.0).items()}
    assert found == {"rollback": True, "pause": False, "warn": False}


# --- the bounds -------------------------------------------------------------------------------

SEVERAL = [
    gate("error_rate"),
    gate("latency"),
    gate("predictions"),
    gate("bias", on_fail=OnFail.WARN),
    gate("explanations"),
    gate("query"),
    gate("error_rate", "classic", method="Threshold", failures=1, window="1m"),
]


@pytest.mark.parametrize("gates", [SEVERAL[:1], SEVERAL[:2], SEVERAL], ids=["one", "two", "all"])
@pytest.mark.parametrize("told", ["1%", "5%"])
def test_p2_canary_and_probation_together_spend_no_more_than_false_rollback(gates, told):
    plan = candidate(*gates, false_rollback=told)
    during = canary_trials(plan, 5.0)
    after = probation_trials(plan.plan, AT.timestamp(), (), 5.0)
    spent = sum(bound(trial) for trial in during.values() if trial.rolls_back)
    assert spent == pytest.approx(0.9 * float(told[:-1]) / 100)
    assert spent + sum(map(bound, after.values())) <= float(told[:-1]) / 100 + 1e-12


def test_gates_that_take_back_share_alike_and_the_others_cost_them_nothing():
    found = canary_trials(candidate(*SEVERAL), 5.0)
    three = {"error-rate", "latency", "predictions"}
    assert {round(bound(found[name]), 12) for name in three} == {0.003}
    assert {round(bound(found[name]), 12) for name in ("bias", "explanations")} == {0.009}


def test_promotion_has_its_whole_bound_in_every_gate():
    """All have to pass, so nothing is to be shared."""
    found = canary_trials(candidate(*SEVERAL, false_promotion="3%"), 5.0).values()
    promotions = {getattr(trial.rule, "false_promotion", None) for trial in found}
    assert promotions == {0.03, None}


# --- when and at which shares -----------------------------------------------------------------


def test_a_canary_is_judged_from_its_first_traffic_by_the_recorded_shares():
    shares = [("0.2000", 0), ("0.5000", 90)]
    (trial,) = canary_trials(candidate(gate("error_rate"), shares=shares), 7.0).values()
    began = AT.timestamp()
    assert (trial.started_at, trial.scrape_interval) == (began, 7.0)
    assert [(change.at - began, change.weight) for change in trial.weights] == [(0, 0.2), (90, 0.5)]


def test_a_clock_that_was_behind_makes_no_disorder():
    shares = [("0.2000", 10), ("0.5000", 4)]
    (trial,) = canary_trials(candidate(gate("error_rate"), shares=shares), 5.0).values()
    assert [change.at - AT.timestamp() for change in trial.weights] == [10, 10]


def test_a_survey_has_the_same_rules_and_never_begins_to_judge():
    plan = candidate(*SEVERAL)
    during, before = canary_trials(plan, 5.0), survey_trials(plan, 5.0)
    assert {n: t.rule for n, t in before.items()} == {n: t.rule for n, t in during.items()}
    assert {trial.started_at for trial in before.values()} == {math.inf}


# --- probation --------------------------------------------------------------------------------


def told(**rates):
    """What was bad of the answers of the revision before, beside the canary."""
    return [GateRate(name=name, rate=f"{rate:.6f}") for name, rate in rates.items()]


@pytest.mark.parametrize(("rate", "bound"), [(0.0, 0.01), (0.002, 0.01), (0.02, 0.04), (0.9, 0.99)])
def test_p2_in_its_probation_a_revision_need_not_be_better_than_the_one_before(rate, bound):
    gates = (Gate(name="errors", error_rate={}), Gate(name="slow", latency={"over": "250ms"}))
    found = probation_trials(
        Rollout(gates=gates), AT.timestamp(), told(errors=rate, slow=rate), 5.0
    )
    rules = [trial.rule for trial in found.values()]
    assert (rules[0].max_rate, rules[1].max_share) == pytest.approx((bound, bound))


def probation(*gates):
    return probation_trials(Rollout(gates=gates), AT.timestamp(), (), 5.0)


def test_a_probation_judges_all_traffic_from_the_promotion_on():
    (trial,) = probation(gate("error_rate")).values()
    assert trial.started_at == AT.timestamp()
    assert [change.weight for change in trial.weights] == [1.0]


@pytest.mark.parametrize(
    ("kind", "settings", "is_judged"),
    [
        ("error_rate", {}, True),
        ("error_rate", {"method": "Threshold", "failures": 1, "window": "1m"}, True),
        ("latency", {"over": "250ms"}, True),
        ("latency", {"ratio": "1.5"}, False),
        ("predictions", {}, False),
        ("explanations", {}, False),
        ("bias", {}, True),
        ("query", {"promql": 'up{pod=~"{{ pods }}"}', "max": "1"}, True),
        ("query", {"promql": 'up{pod=~"{{ stablePods }}"}', "max": "1"}, False),
        ("query", {"promql": 'up{r="{{stableRevision}}"}', "max": "1"}, False),
        ("query", {"promql": 'up{pod=~"{{ pods }}"}', "ratio": "2"}, False),
    ],
)
def test_a_probation_leaves_out_what_needs_stable(kind, settings, is_judged):
    assert bool(probation(gate(kind, on_fail=OnFail.ROLLBACK, **settings))) is is_judged


def test_in_a_probation_a_query_keeps_its_bounds_and_loses_its_comparison():
    (trial,) = probation(gate("query", promql='up{pod=~"{{ pods }}"}', max="1", ratio="2")).values()
    assert (trial.rule.highest, trial.rule.ratio) == (1.0, None)


@pytest.mark.parametrize("on_fail", [OnFail.PAUSE, OnFail.WARN])
def test_in_a_probation_only_what_takes_back_is_judged(on_fail):
    assert probation(gate("error_rate", on_fail=on_fail)) == {}
