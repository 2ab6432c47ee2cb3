"""The conditions of a ModelDeployment, by the rules of kstatus."""

from typing import Final, Literal

from davylamp.api.explanations import Explanations
from davylamp.api.names import ConditionType, Reason
from davylamp.api.status import ExplanationRun
from davylamp.api.status_parts import Condition
from davylamp.rollout.drift_reports import DriftVerdict
from davylamp.rollout.holds.drift import REASONS, drift_sentence
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.report.summary import ConditionState, Value, summary
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import kubectl, named

_CHECKED: Final[dict[Literal["Pass", "Fail", "Unknown"], Value]] = {
    "Pass": "True",
    "Fail": "False",
    "Unknown": "Unknown",
}
_EXPLAINED: Final[dict[DriftVerdict, Value]] = {
    "Stable": "True",
    "Drifted": "False",
    "Undecided": "Unknown",
    "Failed": "Unknown",
}


def conditions(situation: Situation, hold: Hold | None) -> tuple[Condition, ...]:
    """All conditions that hold; `hold` is what the candidate waits for."""
    ready, kind = summary(situation, hold)
    abnormal = {kind: ready._replace(value="True")} if kind else {}
    states: dict[ConditionType, ConditionState | None] = {
        ConditionType.READY: ready,
        ConditionType.AVAILABLE: _available(situation),
        ConditionType.ROLLBACK_VERIFIED: _rollback_verified(situation),
        ConditionType.EXPLANATIONS_STABLE: _explanations_stable(situation),
        ConditionType.IMAGE_NOT_PINNED: _image(situation, Reason.IMAGE_NOT_PINNED),
        ConditionType.TAG_MOVED: _image(situation, Reason.TAG_MOVED),
        **abnormal,
    }
    return tuple(_condition(situation, kind, state) for kind, state in states.items() if state)


def _available(situation: Situation) -> ConditionState:
    stable, serving = situation.status.stable, situation.serving()
    if stable is None:
        return ConditionState("False", Reason.AWAITING_PODS, "no revision has served yet")
    name = named(stable, situation.observation.target)
    if serving and serving.ready:
        return ConditionState("True", Reason.SERVING, f"{name} is serving")
    message = f"{name} cannot serve: no pod is ready"
    return ConditionState("False", Reason.AWAITING_PODS, message)


def _image(situation: Situation, reason: Reason) -> ConditionState | None:
    """What is to be said of the candidate's image, or else of stable's."""
    for ref in (situation.status.candidate, situation.status.stable):
        for note in situation.status.images:
            if ref and (note.revision, note.reason) == (ref.revision, reason):
                return ConditionState("True", reason, note.message)
    return None


def _rollback_verified(situation: Situation) -> ConditionState | None:
    """Whether what serves after a rollback is what it was; None without a rollback to verify."""
    known = situation.status.verification
    if known is None:
        return None
    message = f"{named(known, situation.observation.target)}: {known.message}"
    return ConditionState(_CHECKED[known.verdict], Reason(known.reason), message)


def _explanations_stable(situation: Situation) -> ConditionState | None:
    """What the nightly job says about the revision that serves; None where there is no job."""
    stable, explanations = situation.status.stable, situation.observation.explanations
    if stable is None or explanations is None:
        return None
    error = situation.observation.cron_job_refusal
    if error:
        message = f"the nightly job cannot be created: {error}"
        return ConditionState("Unknown", Reason.WRITE_REFUSED, message)
    run = situation.status.explanations
    if run is None or run.revision != stable.revision:
        message = f"{stable.tag} has not been compared yet; {_next_run(situation, explanations)}"
        return ConditionState("Unknown", Reason.EXPLANATIONS_UNDECIDED, message)
    return _explained(run)


def _explained(run: ExplanationRun) -> ConditionState:
    message = f"{run.tag}: {drift_sentence(run)} (Job {run.job})"
    return ConditionState(_EXPLAINED[run.verdict], REASONS[run.verdict], message)


def _next_run(situation: Situation, explanations: Explanations) -> str:
    name = f"{situation.name}-explanations"
    now = kubectl(f"create job --from=cronjob/{name} {name}-$(date +%s)", situation.namespace)
    return f"next run at {explanations.schedule!r} UTC, or now: {now}"


def _condition(situation: Situation, kind: ConditionType, state: ConditionState) -> Condition:
    before = next((c for c in situation.status.conditions if c.type == kind), None)
    now, same = situation.observation.now, before is not None and before.status == state.value
    return Condition(
        type=kind,
        status=state.value,
        reason=state.reason,
        message=state.message,
        observed_generation=situation.observation.generation,
        last_transition_time=before.last_transition_time if before and same else now,
    )
