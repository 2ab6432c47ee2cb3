"""The judgement of one gate at one moment: what its rule says, and what is missing for it."""

from __future__ import annotations

from davylamp.gates import verdicts
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.states.gate_state import GateState
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import Judgement, Verdict


def judge(
    trial: Trial, state: GateState, context: JudgementContext, *, unread: MissingData | None = None
) -> Judgement:
    """Answer whether the canary is worse, as far as the samples in `state` tell.

    A `FAIL` once reached stays, whatever the source does later. Anything missing comes before a
    `PASS`. With no ready stable pod the canary is held to the absolute bound alone. `unread` is
    set while the source cannot be asked.
    """
    missing = unread or trial.rule.missing(trial, state, context)
    if missing:
        answer = Judgement(
            Verdict.UNKNOWN, missing.reason, missing.message, state.candidate, state.stable
        )
    else:
        answer = Judgement(
            Verdict.UNDECIDED, verdicts.GATHERING_EVIDENCE, "", state.candidate, state.stable
        )
    return trial.rule.judged(trial, state, context, answer)
