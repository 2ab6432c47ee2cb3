"""The one sentence about a ModelDeployment: what happened, why, and what to type.

kstatus (cli-utils): Reconciling and Stalled are present only while true; a rollout in flight is
Reconciling, a rollback is Stalled, so waiting tools stop at once instead of timing out.
"""

from typing import Final, Literal, NamedTuple

from davylamp.api.names import Command, ConditionType, Reason
from davylamp.api.status import Candidate, Rejected, Stable, Stage
from davylamp.rollout.desired import actual_share
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import annotate, counted, named, pair

Value = Literal["True", "False", "Unknown"]
STALLING: Final = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.STEP_NOT_REACHABLE,
        Reason.DEADLINE_EXCEEDED,
        Reason.IMAGE_DIGESTS_DIFFER,
    }
)


class Summary(NamedTuple):
    """What Ready says, and which of Reconciling and Stalled says the same."""

    ready: Value
    reason: Reason
    message: str
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
        return _rolled_back(situation, rejection)
    return Summary(
        "False",
        Reason.PAUSED,
        f"{named(target, stable)} is waiting to be rolled out: spec.paused is true",
        ConditionType.RECONCILING,
    )


def _rolled_back(situation: Situation, rejection: Rejected) -> Summary:
    bad, good = pair(rejection, situation.status.stable)
    value = f"{rejection.revision}@{int(rejection.at.timestamp())}"
    retry = annotate(situation.name, situation.namespace, Command.RETRY, value)
    return Summary(
        "False",
        Reason.ROLLED_BACK,
        f"{bad} rolled back; {good} is serving. {rejection.reason}: {rejection.message}. "
        f"Change the spec, or try again: {retry}",
        ConditionType.STALLED,
    )


def _serving(situation: Situation, stable: Stable) -> Summary:
    serving, replicas = situation.serving(), situation.observation.replicas
    previous = situation.status.previous
    ready = serving.ready if serving else 0
    if ready < replicas:
        return Summary(
            "True" if ready else "False",
            Reason.AWAITING_PODS,
            f"{stable.tag} is serving with {ready} of {replicas} pods ready"
            if ready
            else f"{stable.tag} cannot serve: 0 of {replicas} pods ready",
            ConditionType.RECONCILING,
        )
    if previous:
        new, old = pair(stable, previous)
        until = f"{previous.until:%H:%M:%SZ}"
        message = f"{new} is serving; {old} is kept warm for a rollback until {until}"
        return Summary("True", Reason.PROBATION, message)
    message = f"{stable.tag} is serving with {counted(ready, 'pod')}"
    return Summary("True", Reason.SERVING, message)


def _rolling_out(situation: Situation, candidate: Candidate, hold: Hold | None) -> Summary:
    stalled = hold is not None and hold.reason in STALLING
    why = hold.message if hold else "nothing to wait for"
    return Summary(
        "False" if situation.status.stable else "Unknown",
        hold.reason if hold and stalled else Reason(candidate.stage.value),
        f"{_progress(situation, candidate)}: {why}{_pinned(situation, candidate)}",
        ConditionType.STALLED if stalled else ConditionType.RECONCILING,
    )


def _progress(situation: Situation, candidate: Candidate) -> str:
    name = named(candidate, situation.status.stable)
    if candidate.stage is not Stage.CANARY:
        return f"{name} is {candidate.stage.value.lower()}"
    share = round(100 * actual_share(situation, candidate))
    return f"{name} at step {candidate.step} of {candidate.steps}, {share} % of traffic"


def _pinned(situation: Situation, candidate: Candidate) -> str:
    edited = candidate.plan != situation.observation.rollout
    if candidate.stage is not Stage.CANARY or not edited:
        return ""
    return "; changes to spec.rollout apply from the next revision on"
