"""The status people read: conditions, gate evidence, shares. Says what happened, why, what to type.

kstatus (cli-utils): Reconciling and Stalled are present only while true; a rollout in flight is
Reconciling, a rollback is Stalled, so waiting tools stop at once instead of timing out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from davylamp.api import names
from davylamp.api.gate_status import GateStatus
from davylamp.api.names import ConditionType, Reason
from davylamp.api.status import Candidate, Condition, ModelDeploymentStatus, Stage
from davylamp.gates import Judgement
from davylamp.rollout import verification
from davylamp.rollout.desired import Desired, planned_share
from davylamp.rollout.explanations import state_of, with_drift
from davylamp.rollout.holds.chain import hold_of
from davylamp.rollout.holds.hold import NAME, Hold
from davylamp.rollout.report.gates import gate_status
from davylamp.rollout.situation import Situation

GATE_REFRESH: Final = timedelta(seconds=15)
"""How often unchanged verdicts get new numbers: evidence moves every second, etcd need not."""
WORTH_TELLING: Final = 0.5
"""Rise of the evidence against a canary (log10 of the e-value) that is told at once."""

STALLING: Final = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.STEP_NOT_REACHABLE,
        Reason.DEADLINE_EXCEEDED,
        Reason.IMAGE_DIGESTS_DIFFER,
    }
)


class State(NamedTuple):
    """The one-sentence state of the object, and which conditions follow from it."""

    ready: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str
    abnormal: ConditionType | None = None


def report(situation: Situation, wanted: Desired, name: str) -> ModelDeploymentStatus:
    """The status after the moves: what was seen, in the words of the last hold."""
    status, seen = situation.status, situation.seen
    candidate = status.candidate
    hold = hold_of(situation, candidate) if candidate else None
    serving = situation.serving()
    selector = ""
    if serving:
        selector = f"{names.LABEL_MODEL}={name},{names.LABEL_REVISION}={serving.revision}"
    return status.model_copy(
        update={
            "observed_generation": seen.generation,
            "candidate": _candidate(situation, candidate, hold) if candidate else None,
            "stable": _with_digest(situation),
            "probation_gates": _probation_gates(situation),
            "conditions": _conditions(situation, _state(situation, hold, name), name),
            "replicas": wanted.replicas.get(serving.revision, 0) if serving else 0,
            "ready_replicas": serving.ready if serving else 0,
            "selector": selector,
        }
    )


def _candidate(situation: Situation, candidate: Candidate, hold: Hold | None) -> Candidate:
    judgements = situation.seen.judgements_of(candidate.revision)
    return candidate.model_copy(
        update={
            "waiting_for": hold.reason if hold else None,
            "actual_weight": round(100 * planned_share(situation, candidate)),
            "checks": with_drift(situation, candidate),
            "gates": _gates(candidate.gates, judgements, situation.seen.now),
            "digest": situation.seen.workload(candidate.revision).digest or candidate.digest,
        }
    )


def _with_digest(situation: Situation) -> object:
    stable, serving = situation.status.stable, situation.serving()
    if stable is None or serving is None:
        return None
    return stable.model_copy(update={"digest": stable.digest or serving.digest})


def _probation_gates(situation: Situation) -> tuple[GateStatus, ...]:
    stable = situation.status.stable
    if situation.status.previous is None or stable is None:
        return ()
    judgements = situation.seen.judgements_of(stable.revision)
    return _gates(situation.status.probation_gates, judgements, situation.seen.now)


def _gates(
    told: tuple[GateStatus, ...], judgements: Mapping[str, Judgement], now: datetime
) -> tuple[GateStatus, ...]:
    """What the gates see; numbers are refreshed now and then, verdicts at once.

    Right after a restart nothing has been asked yet: what was told before still stands.
    """
    if not judgements:
        return told
    before = {gate.name: gate for gate in told}
    return tuple(
        _gate(name, judgement, before.get(name), now) for name, judgement in judgements.items()
    )


def _gate(name: str, judgement: Judgement, told: GateStatus | None, now: datetime) -> GateStatus:
    if told and not _worth_telling(judgement, told) and now - told.at < GATE_REFRESH:
        return told
    return gate_status(name, judgement, now)


def _worth_telling(judgement: Judgement, told: GateStatus) -> bool:
    """Whether people should see this before the next refresh is due."""
    if (told.verdict, told.reason) != (judgement.verdict.value, judgement.reason):
        return True
    if judgement.candidate.requests and not told.requests:
        return True
    worse = judgement.log10_rollback - max(0.0, float(told.log10_e))
    return worse >= WORTH_TELLING


def _state(situation: Situation, hold: Hold | None, name: str) -> State:
    candidate = situation.status.candidate
    if candidate:
        return _rolling(situation, candidate, hold, name)
    target, stable = situation.seen.target, situation.status.stable
    rejection = situation.rejected(target.revision)
    if rejection and not (stable and stable.revision == target.revision):
        retry = f"{names.Command.RETRY}={target.revision}@{int(rejection.at.timestamp())}"
        stays = f"{stable.tag} serves" if stable else "nothing serves"
        return State(
            "False",
            Reason.ROLLED_BACK,
            f"{rejection.tag} was taken back, {stays}. {rejection.reason}: {rejection.message}. "
            f"Change the spec, or try again: kubectl annotate --overwrite md {name} {retry}",
            ConditionType.STALLED,
        )
    if stable and stable.revision == target.revision:
        return _serving(situation)
    return State(
        "False",
        Reason.PAUSED,
        f"{target.tag} waits: spec.paused is true",
        ConditionType.RECONCILING,
    )


def _serving(situation: Situation) -> State:
    stable, serving, previous = (
        situation.status.stable,
        situation.serving(),
        situation.status.previous,
    )
    assert stable is not None and serving is not None  # noqa: S101, PT018
    if serving.ready < situation.seen.replicas:
        return State(
            "False" if not serving.ready else "True",
            Reason.AWAITING_PODS,
            f"{stable.tag} serves with {serving.ready} of {situation.seen.replicas} pods ready",
            ConditionType.RECONCILING,
        )
    if previous:
        until = previous.until.strftime("%H:%M:%SZ")
        text = f"{stable.tag} serves; {previous.tag} is kept warm for rollback until {until}"
        return State("True", Reason.PROBATION, text)
    return State("True", Reason.SERVING, f"{stable.tag} serves with {serving.ready} pods")


def _rolling(situation: Situation, candidate: Candidate, hold: Hold | None, name: str) -> State:
    why = hold.message.replace(f" md {NAME} ", f" md {name} ") if hold else "going on"
    pinned = ""
    if candidate.stage is Stage.CANARY:
        where = (
            f"{candidate.tag} at step {candidate.step} of {candidate.steps}, "
            f"{round(100 * planned_share(situation, candidate))} % of traffic: "
        )
        if candidate.plan != situation.seen.rollout:
            pinned = "; edits of spec.rollout count from the next revision on"
    else:
        where = f"{candidate.tag} is {candidate.stage.value.lower()}: "
    stalled = hold is not None and hold.reason in STALLING
    return State(
        "False" if situation.status.stable else "Unknown",
        hold.reason if hold and stalled else Reason(candidate.stage.value),
        where + why + pinned,
        ConditionType.STALLED if stalled else ConditionType.RECONCILING,
    )


def _conditions(situation: Situation, state: State, name: str) -> tuple[Condition, ...]:
    serving = situation.serving()
    available: Literal["True", "False"] = "True" if serving and serving.ready else "False"
    stable = situation.status.stable
    served = f"{stable.tag} serves" if stable else "no revision has served yet"
    wanted = [
        (ConditionType.READY, state.ready, state.reason, state.message),
        (
            ConditionType.AVAILABLE,
            available,
            Reason.SERVING if available == "True" else Reason.AWAITING_PODS,
            served if available == "True" else f"{served}, no pod is ready",
        ),
    ]
    verified = verification.state_of(situation)
    if verified:
        wanted.append((ConditionType.ROLLBACK_VERIFIED, *verified))
    explained = state_of(situation, name)
    if explained:
        wanted.append((ConditionType.EXPLANATIONS_STABLE, *explained))
    if state.abnormal:
        wanted.append((state.abnormal, "True", state.reason, state.message))
    return tuple(
        _condition(situation, kind, value, reason, message)
        for kind, value, reason, message in wanted
    )


def _condition(
    situation: Situation,
    kind: ConditionType,
    value: Literal["True", "False", "Unknown"],
    reason: Reason,
    message: str,
) -> Condition:
    before = next((c for c in situation.status.conditions if c.type == kind), None)
    same = before is not None and before.status == value
    return Condition(
        type=kind,
        status=value,
        reason=reason,
        message=message,
        observed_generation=situation.seen.generation,
        last_transition_time=before.last_transition_time if before and same else situation.seen.now,
    )
