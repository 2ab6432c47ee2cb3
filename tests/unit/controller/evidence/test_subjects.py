"""From the status to what is judged."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.kubelets import made_by

from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout, Source, Step
from davylamp.api.status import (
    Candidate,
    ModelDeploymentStatus,
    Previous,
    RevisionRef,
    Stable,
    Stage,
    identity,
)
from davylamp.api.status_parts import WeightChange
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster.pods import read_pod
from davylamp.controller.evidence.subjects import ReadSettings, subject_of
from davylamp.gates import ErrorRate, Threshold
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.manifests import Owner

OWNER = Owner("risk", "models", "uid-1")
AT = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
PLAN = Rollout(steps=(Step(weight=50, hold="1m"),))


def ref(tag: str) -> RevisionRef:
    return RevisionRef(revision=tag * 10, tag=tag, feature_snapshot="s", seed=1)


def stable() -> Stable:
    return Stable(**identity(ref("a")), promoted_at=AT)


def candidate(stage: Stage, plan: Rollout = PLAN, *shares: tuple[str, int]) -> Candidate:
    changes = (WeightChange(weight=50, share=s, at=AT + timedelta(seconds=t)) for s, t in shares)
    return Candidate(
        **identity(ref("b")),
        stage=stage,
        started_at=AT,
        stage_at=AT,
        canary_at=AT,
        plan=plan,
        weights=tuple(changes),
    )


def subject(status: ModelDeploymentStatus, rollout: Rollout = PLAN):
    return subject_of(OWNER, status, rollout, (), ReadSettings(5.0))


def test_nothing_is_judged_while_one_revision_serves():
    assert subject(ModelDeploymentStatus()) is None
    assert subject(ModelDeploymentStatus(stable=stable())) is None


def test_the_first_revision_and_a_return_are_not_judged():
    first = ModelDeploymentStatus(candidate=candidate(Stage.PREPARING))
    returning = ModelDeploymentStatus(stable=stable(), candidate=candidate(Stage.RETURNING))
    assert subject(first) is None
    assert subject(returning) is None


def test_pods_are_looked_for_before_they_get_traffic():
    seen = subject(ModelDeploymentStatus(stable=stable(), candidate=candidate(Stage.PREPARING)))
    assert (seen.candidate, seen.stable) == (f"risk-{'b' * 10}", f"risk-{'a' * 10}")
    assert [trial.started_at for trial in seen.trials.values()] == [math.inf]


@pytest.mark.parametrize("stage", [Stage.CANARY, Stage.PROMOTING])
def test_a_canary_is_judged_by_its_own_plan_and_every_share_it_had(stage):
    told = candidate(stage, PLAN, ("0.2000", 0), ("0.5000", 60))
    status = ModelDeploymentStatus(stable=stable(), candidate=told)
    trial = subject(status, Rollout(gates=())).trials["errors"]
    assert trial.started_at == AT.timestamp()
    assert [(w.at - trial.started_at, w.weight) for w in trial.weights] == [(0, 0.2), (60, 0.5)]


def test_a_clock_that_was_behind_makes_no_disorder():
    told = candidate(Stage.CANARY, PLAN, ("0.2000", 30), ("0.5000", 10))
    trial = subject(ModelDeploymentStatus(stable=stable(), candidate=told)).trials["errors"]
    assert [w.at - AT.timestamp() for w in trial.weights] == [30, 30]


def test_all_gates_and_the_probation_share_one_false_rollback():
    gates = tuple(Gate(name=name, error_rate=ErrorRateSpec()) for name in ("x", "y"))
    plan = PLAN.model_copy(update={"gates": gates, "false_rollback": "2%"})
    told = candidate(Stage.CANARY, plan, ("0.5000", 0))
    canary = subject(ModelDeploymentStatus(stable=stable(), candidate=told), plan)
    warm = Previous(**identity(ref("c")), until=AT + timedelta(minutes=1))
    after = subject(ModelDeploymentStatus(stable=stable(), previous=warm), plan)
    spent = [trial.rule.false_rollback for s in (canary, after) for trial in s.trials.values()]
    assert sum(spent) == pytest.approx(0.02)


def test_in_its_probation_a_revision_is_judged_alone():
    warm = Previous(**identity(ref("c")), until=AT + timedelta(minutes=1))
    seen = subject(ModelDeploymentStatus(stable=stable(), previous=warm))
    assert (seen.candidate, seen.stable) == (f"risk-{'a' * 10}", None)
    assert [w.weight for w in seen.trials["errors"].weights] == [1.0]


def test_rules_are_taken_from_the_gate():
    classic = ErrorRateSpec(method="Threshold", max="2%", window="1m30s", failures=3)
    own = ErrorRateSpec(max="0.5%", ratio="3")
    gates = (Gate(name="classic", error_rate=classic), Gate(name="own", error_rate=own))
    plan = PLAN.model_copy(update={"gates": gates})
    told = candidate(Stage.CANARY, plan, ("0.5000", 0))
    trials = subject(ModelDeploymentStatus(stable=stable(), candidate=told)).trials
    assert trials["classic"].rule == Threshold(max_rate=0.02, failures=3, window=90.0)
    rule = trials["own"].rule
    assert isinstance(rule, ErrorRate)
    assert (rule.max_rate, rule.ratio, rule.promote_ratio) == (0.005, 3.0, 3.0)


def pod(revision: str) -> dict:
    return {
        "metadata": {
            "name": f"risk-{revision}-5d7f-abcde",
            "namespace": "models",
            "uid": revision,
            "ownerReferences": made_by(f"risk-{revision}-5d7f-abcde"),
        },
        "spec": {
            "containers": [{"name": "model", "ports": [{"name": "http", "containerPort": 8000}]}]
        },
        "status": {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}],
        },
    }


def swept(interval: str = "1s", *, allowed: bool = True, status=None):
    """What is followed where the plan wants pods to be read, of three revisions with a pod each."""
    plan = PLAN.model_copy(update={"evidence": Source(source="Pods", interval=interval)})
    canary = candidate(Stage.CANARY, plan, ("0.5000", 0))
    status = status or ModelDeploymentStatus(stable=stable(), candidate=canary)
    pods = ready_pods(read_pod(pod(tag * 10)) for tag in "abc")
    return subject_of(OWNER, status, plan, pods, ReadSettings(5.0, pods_allowed=allowed))


def test_pods_of_both_revisions_are_read_where_the_plan_wants_it():
    seen = swept()
    assert seen.sweep_every == 1.0
    assert [each.name for each in seen.pods] == [
        f"risk-{'a' * 10}-5d7f-abcde",
        f"risk-{'b' * 10}-5d7f-abcde",
    ]


def test_pods_are_not_read_where_it_is_not_wanted_or_not_allowed():
    told = candidate(Stage.CANARY, PLAN, ("0.5000", 0))
    for seen in (
        subject(ModelDeploymentStatus(stable=stable(), candidate=told)),
        swept(allowed=False),
    ):
        assert (seen.sweep_every, seen.pods) == (None, ())


def test_pods_are_read_at_least_as_often_as_prometheus_scrapes():
    """Else a gate would take them for lost, which reckons in scrapes."""
    assert swept("3s").sweep_every == 3.0
    assert swept("1m").sweep_every == 5.0


def test_in_a_probation_the_pods_of_what_serves_are_read():
    warm = Previous(**identity(ref("c")), until=AT + timedelta(minutes=1))
    seen = swept(status=ModelDeploymentStatus(stable=stable(), previous=warm))
    assert [each.name for each in seen.pods] == [f"risk-{'a' * 10}-5d7f-abcde"]
