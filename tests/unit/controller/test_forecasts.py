"""What a decision is told about gates whose candidate has no traffic yet."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import (
    Candidate,
    ModelDeploymentStatus,
    Previous,
    RevisionRef,
    Stable,
    Stage,
    identity,
)
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.controller.reconcile.observing.judgements import with_judgements
from davylamp.gates import (
    ERRORS,
    ErrorRate,
    Latency,
    Query,
    Sample,
    Scrapes,
    ShareChange,
    Trial,
    open_family,
    take_in,
)
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.rollout import Observation, PodState, Workload

AT = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
NOW = AT.timestamp()
STEPS = (Step(weight=5, hold="1m"), Step(weight=25, hold="1m"), Step(weight=50, hold="1m"))
PLAN = Rollout(steps=STEPS, gates=(Gate(name="errors", error_rate=ErrorRateSpec()),))
OLD, NEW = "a" * 10, "b" * 10


def ref(revision):
    return RevisionRef(revision=revision, tag=revision[0], feature_snapshot="s", seed=1)


def status(stage=Stage.PREPARING, plan=PLAN):
    candidate = Candidate(
        **identity(ref(NEW)), stage=stage, started_at=AT, stage_at=AT, canary_at=AT, plan=plan
    )
    return ModelDeploymentStatus(
        stable=Stable(**identity(ref(OLD)), promoted_at=AT), candidate=candidate
    )


def looked(*, replicas=4):
    """A look at both revisions, of which each has a pod that is ready."""
    pods = {name: (PodState(pod, ready=True),) for name, pod in ((OLD, "s"), (NEW, "c"))}
    return Observation(
        now=AT,
        generation=1,
        target=ref(NEW),
        rollout=PLAN,
        replicas=replicas,
        workloads={name: Workload(name, 1, each) for name, each in pods.items()},
    )


def stable_pod(rate=20, share=0.01, parts=(), seconds=600):
    times = range(-seconds, 1, 5)
    return tuple(
        Sample(
            NOW + at,
            9_000.0 + rate * (at + seconds),
            float(int(share * rate * (at + seconds))),
            dict.fromkeys(parts, 0.0),
        )
        for at in times
    )


def waiting(rule):
    return Trial(rule, math.inf, (ShareChange(math.inf, 0.5),))


def evidence(rule, *samples, began=False, **known):
    """What is known of one gate called `errors`, from samples of stable."""
    trial = replace(waiting(rule), started_at=NOW - 60) if began else waiting(rule)
    trials = {"errors": trial}
    stable = {"s": samples} if samples else {}
    channel = rule.channel
    seen = {channel: Scrapes(NOW, stable)} if channel is not None else {}
    family = take_in(trials, open_family(trials), seen, {})
    return TrackedEvidence(
        trials=trials, family=family, **{"answered": frozenset({channel} - {None})} | known
    )


def told(found, *, at=None, seen=None):
    return with_judgements(seen or looked(), at or status(), found)


def test_before_the_canary_there_is_an_outlook_and_no_judgement():
    found = told(evidence(ErrorRate(burst=1.0), *stable_pod()))
    assert found.judgements == {}
    (forecast,) = found.forecast
    assert forecast.name == "errors"
    assert forecast.message.startswith("stable has 19.8 requests/s, 1 % errors; at 20%")
    assert forecast.warning is None
    assert found.without_baseline == {}


def test_the_shares_are_those_of_whole_pods_of_the_steps_that_can_be_reached():
    """With four pods 5 % is out of reach, 25 % is one of five, and 50 % four of eight."""
    found = told(evidence(ErrorRate(), *stable_pod()))
    assert "at 20% the canary gets 4 requests/s" in found.forecast[0].message
    assert "at 50% the canary gets 9.9 requests/s" in found.forecast[0].message
    assert "at 5%" not in found.forecast[0].message


def test_what_cannot_be_decided_before_the_deadline_is_warned_about():
    hurried = PLAN.model_copy(update={"deadline": "1m"})
    found = told(evidence(ErrorRate(), *stable_pod(rate=1)), at=status(plan=hurried))
    assert "within the deadline of 1m00s" in found.forecast[0].warning


def test_during_the_canary_gates_answer_and_nothing_is_foretold():
    found = told(evidence(ErrorRate(), *stable_pod(), began=True), at=status(Stage.CANARY))
    assert found.judgements.keys() == {"errors"}
    assert (found.forecast, found.without_baseline) == ((), {})


def test_p3_a_gate_that_finds_nothing_is_blind_with_what_is_there_instead():
    instead = {"errors": "no series x of stable's pods; metrics that are there: y"}
    found = told(evidence(ErrorRate(), suggestions=instead))
    assert found.without_baseline == instead
    assert found.forecast == ()
    plain = told(evidence(ErrorRate()))
    assert plain.without_baseline == {"errors": "no series of stable's pods"}


def test_nobody_is_blind_before_the_first_answer_or_without_pods_of_stable():
    assert told(evidence(ErrorRate(), answered=frozenset())).without_baseline == {}
    alone = looked()
    alone = replace(alone, workloads={NEW: alone.workloads[NEW]})
    assert told(evidence(ErrorRate()), seen=alone).without_baseline == {}


def test_p3_a_bound_that_is_no_bucket_boundary_is_blind():
    found = told(evidence(Latency(over=0.3), *stable_pod(parts=("0.25", "0.5", "+Inf"))))
    assert found.without_baseline == {
        "errors": "0.3 s is no bucket boundary; the nearest are 0.25 and 0.5"
    }
    fitting = told(evidence(Latency(over=0.5), *stable_pod(parts=("0.25", "0.5", "+Inf"))))
    assert fitting.without_baseline == {}


OWN = Query(promql="up", highest=1.0)


@pytest.mark.parametrize(
    ("error", "without_baseline"),
    [
        (None, {}),
        (SourceError(SourceFault.DOWN, "no answer"), {}),
        (SourceError(SourceFault.BAD_ANSWER, "parse error"), {"errors": "parse error"}),
    ],
    ids=["asked", "not answered", "answered badly"],
)
def test_an_own_query_is_blind_only_where_it_is_wrong(error, without_baseline):
    errors = {"errors": error} if error else {}
    assert told(evidence(OWN, query_errors=errors)).without_baseline == without_baseline


def test_pods_that_only_user_queries_look_at_need_no_scrape():
    assert told(evidence(OWN, queried=frozenset({"errors"}))).first_scrape_seen
    assert not told(evidence(OWN)).first_scrape_seen, "the query was not answered yet"
    wrong = {"errors": SourceError(SourceFault.BAD_ANSWER, "parse error")}
    assert told(evidence(OWN, query_errors=wrong)).first_scrape_seen, "nothing more will come"
    assert not told(evidence(ErrorRate())).first_scrape_seen
    assert told(evidence(ErrorRate(), scraped=frozenset({"c"}))).first_scrape_seen
    assert not told(TrackedEvidence()).first_scrape_seen, "nothing is followed yet"


def test_a_source_that_is_down_is_told():
    down = {ERRORS: SourceError(SourceFault.DOWN, "no answer within 8 s")}
    found = told(evidence(ErrorRate(), errors=down, answered=frozenset()))
    assert found.source_error == "no answer within 8 s"
    assert found.without_baseline == {}


def test_p3_an_own_query_that_cannot_be_asked_is_told_too():
    down = {"errors": SourceError(SourceFault.DOWN, "no answer within 8 s")}
    assert (
        told(evidence(OWN, query_errors=down)).source_error == "gate errors: no answer within 8 s"
    )
    bad = {"errors": SourceError(SourceFault.BAD_ANSWER, "parse error")}
    assert told(evidence(OWN, query_errors=bad)).source_error is None


def test_in_a_probation_nothing_is_foretold():
    after = ModelDeploymentStatus(
        stable=Stable(**identity(ref(NEW)), promoted_at=AT),
        previous=Previous(**identity(ref(OLD)), until=AT),
    )
    found = told(evidence(ErrorRate(), *stable_pod()), at=after)
    assert (found.judged, found.forecast, found.without_baseline) == (NEW, (), {})
