"""The one sentence about a ModelDeployment: what happened, why, and what to type.

kstatus (cli-utils): Reconciling and Stalled are present only while true; a rollout in flight is
Reconciling, a rollback is Stalled, so waiting tools stop at once instead of timing out.
"""

from typing import Final, Literal, NamedTuple

from davylamp.api.names import Command, ConditionType, Reason
from davylamp.api.status import Candidate, Rejected, Stable, Stage
from davylamp.rollout.desired import actual_share
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.pods.shortfall import why_and_where
from davylamp.rollout.pods.state import Workload
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import annotate, counted, merge_patch, named, pair
from davylamp.schema.json import Json

Value = Literal["True", "False", "Unknown"]
STALLING: Final = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.STEP_NOT_REACHABLE,
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        Reason.DEADLINE_EXCEEDED,
        Reason.IMAGE_DIGESTS_DIFFER,
        Reason.IMAGE_NOT_RESOLVED,
        Reason.SIGNATURE_MISSING,
        Reason.SIGNATURE_INVALID,
    }
)


class ConditionState(NamedTuple):
    """What a condition says."""

    value: Value
    reason: Reason
    message: str


class Summary(NamedTuple):
    """What Ready says, and which of Reconciling and Stalled is true for the same reason."""

    ready: ConditionState
    abnormal: ConditionType | None = None


def summary(situation: Situation, hold: Hold | None) -> Summary:
    """The state of the object; `hold` is what its candidate waits for."""
    candidate, stable = situation.status.candidate, situation.status.stable
    target = situation.observation.target
    if candidate:
        return _rolling_out(situation, candidate, hold)
    if stable and stable.revision == target.revision:
        return _serving(situation, stable)
    rejection = situation.rejected(target.revision)
    if rejection:
        return Summary(_rolled_back(situation, rejection), ConditionType.STALLED)
    message = f"{named(target, stable)} is waiting to be rolled out: spec.paused is true"
    return Summary(ConditionState("False", Reason.PAUSED, message), ConditionType.RECONCILING)


def _rolled_back(situation: Situation, rejection: Rejected) -> ConditionState:
    bad, good = pair(rejection, situation.status.stable)
    return ConditionState(
        "False",
        Reason.ROLLED_BACK,
        f"{bad} rolled back; {good} is serving. {rejection.reason}: {rejection.message}. "
        f"{_ways_on(situation, rejection)}",
    )


def _ways_on(situation: Situation, rejection: Rejected) -> str:
    """What to type after a rollback; a check that is left out is not tried again by itself."""
    retry = annotate(situation.name, situation.namespace, Command.RETRY, rejection.revision)
    wanted = situation.observation.rollout.checks
    failed = [name for name in wanted if name in rejection.checks]
    if failed:
        kept: list[Json] = [name.value for name in wanted if name not in failed]
        leave_out = merge_patch(
            situation.name, situation.namespace, {"spec": {"rollout": {"checks": kept}}}
        )
        return (
            f"Apply another revision; or leave {', '.join(failed)} out of spec.rollout.checks, "
            f"{leave_out}, and then try this one again: {retry}"
        )
    if rejection.checks:
        names = ", ".join(rejection.checks)
        return f"{names}: no longer in spec.rollout.checks; to try this revision again: {retry}"
    return f"Apply another revision, or try this one again: {retry}"


def _serving(situation: Situation, stable: Stable) -> Summary:
    serving, previous = situation.serving(), situation.status.previous
    replicas = situation.observation.replicas
    serving = serving or Workload(stable.revision)
    if serving.ready < replicas:
        state = _short_of_pods(situation, stable, serving)
        return Summary(state, ConditionType.RECONCILING)
    if previous:
        new, old = pair(stable, previous)
        until = f"{previous.until:%H:%M:%SZ}"
        message = f"{new} is serving; {old} is kept warm for a rollback until {until}"
        return Summary(ConditionState("True", Reason.PROBATION, message))
    message = f"{stable.tag} is serving with {counted(serving.ready, 'pod')}"
    return Summary(ConditionState("True", Reason.SERVING, message))


def _short_of_pods(situation: Situation, stable: Stable, serving: Workload) -> ConditionState:
    why = why_and_where(serving, situation.namespace)
    pods = f"{serving.ready} of {situation.observation.replicas} pods ready; {why}"
    if serving.ready:
        message = f"{stable.tag} is serving with {pods}"
        return ConditionState("True", Reason.AWAITING_PODS, message)
    return ConditionState("False", Reason.AWAITING_PODS, f"{stable.tag} cannot serve: {pods}")


def _rolling_out(situation: Situation, candidate: Candidate, hold: Hold | None) -> Summary:
    why = hold.message if hold else "nothing to wait for"
    message = f"{_progress(situation, candidate)}: {why}{_pinned(situation, candidate)}"
    value: Value = "False" if situation.status.stable else "Unknown"
    if hold and hold.reason in STALLING:
        return Summary(ConditionState(value, hold.reason, message), ConditionType.STALLED)
    reason = Reason(candidate.stage.value)
    return Summary(ConditionState(value, reason, message), ConditionType.RECONCILING)


def _progress(situation: Situation, candidate: Candidate) -> str:
    name = named(candidate, situation.status.stable)
    if candidate.stage is not Stage.CANARY:
        return f"{name} is {candidate.stage.value.lower()}"
    share = round(100 * actual_share(situation, candidate))
    return f"{name} at step {candidate.step} of {candidate.steps}, {share} % of traffic"


def _pinned(situation: Situation, candidate: Candidate) -> str:
    shown = {"names": situation.observation.rollout.names}  # what may be shown is not pinned
    edited = candidate.plan.model_copy(update=shown) != situation.observation.rollout
    if candidate.stage is not Stage.CANARY or not edited:
        return ""
    return "; changes to spec.rollout apply from the next revision on"
