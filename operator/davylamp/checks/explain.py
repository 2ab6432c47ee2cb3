"""Explain: explanations add up to the prediction and match those the training run recorded."""

from collections.abc import Sequence
from dataclasses import replace

from davylamp.checks.reading import MalformedError, mapping, precise, required, rounded
from davylamp.checks.recorded import Explanation, Golden, explanations_of
from davylamp.checks.replies import Answered, Reply, without_answer
from davylamp.checks.results import CheckReason, Finding, failed, passed, unknown
from davylamp.schema.pseudonyms import pseudonym


def unrecorded(goldens: Sequence[Golden]) -> Finding | None:
    """Why explanations cannot be compared, if a golden request has none recorded."""
    lacking = next((n for n, golden in enumerate(goldens) if golden.explanations is None), None)
    if lacking is None:
        return None
    return failed(
        CheckReason.NOT_RECORDED,
        f"golden[{lacking}].explanations is missing from the manifest: record them in "
        "training, or leave Explain out of spec.rollout.checks",
    )


def explained(reply: Reply, golden: Golden, number: int, tolerance: float) -> Finding | None:
    """What is wrong with the explanations of one golden request: their sums, or what is recorded."""
    if not isinstance(reply, Answered):
        return without_answer(reply)
    return _wrong_in(reply, golden, tolerance, f"/explain, golden request {number + 1}")


def explain_finding(
    faults: Sequence[Finding | None], requests: int, rows: int, tolerance: float
) -> Finding:
    """What all comparisons say together, in the order of the requests; `rows` are explained in all."""
    fault = next((fault for fault in faults if fault), None)
    if fault:
        return fault
    if len(faults) < requests:
        return unknown(f"golden request {len(faults) + 1} was not explained yet")
    return passed(
        CheckReason.EXPLANATIONS_REPRODUCED,
        f"{rows} explanations add up and match the recorded ones to within {rounded(tolerance)}",
    )


def _wrong_in(reply: Answered, golden: Golden, tolerance: float, where: str) -> Finding | None:
    """The first fault in the explanations of one golden request."""
    recorded = golden.explanations or ()
    try:
        answer = mapping(reply.document, "the answer")
        served = explanations_of(required(answer, "explanations", path=""), "explanations")
    except MalformedError as malformed:
        return failed(CheckReason.BAD_ANSWER, f"{where}: {malformed}")
    if not len(served) == len(recorded) == len(golden.predictions):
        counts = f"{len(served)} explanations served, {len(recorded)} recorded"
        return failed(
            CheckReason.BAD_ANSWER,
            f"{where}: {counts}, for {len(golden.predictions)} predictions",
        )
    for row, (one, other) in enumerate(zip(served, recorded, strict=True)):
        place = f"{where}, explanation {row + 1}"
        allowed = tolerance * max(one.scale, other.scale)
        wrong = _not_added_up(one, allowed, place) or _unlike(
            one, replace(other, prediction=golden.predictions[row]), allowed, place
        )
        if wrong:
            return wrong
    return None


def _not_added_up(served: Explanation, allowed: float, place: str) -> Finding | None:
    off = abs(served.prediction - served.total)
    if off <= allowed:
        return None
    return failed(
        CheckReason.EXPLANATIONS_DO_NOT_ADD_UP,
        f"{place}: baseline and contributions add up to {precise(served.total)}, the prediction is "
        f"{precise(served.prediction)}: difference {rounded(off)}, tolerance {rounded(allowed)}",
    )


def _unlike(
    served: Explanation, recorded: Explanation, allowed: float, place: str
) -> Finding | None:
    names = _names_apart(served, recorded)
    if names:
        return failed(CheckReason.EXPLANATIONS_DIFFER, f"{place}: {names}")
    pairs = [
        ("prediction", served.prediction, recorded.prediction),
        ("baseline", served.baseline, recorded.baseline),
    ]
    pairs += [
        (f"contributions.{pseudonym(name)}", value, recorded.contributions[name])
        for name, value in served.contributions.items()
    ]
    name, one, other = max(pairs, key=lambda pair: abs(pair[1] - pair[2]))
    if abs(one - other) <= allowed:
        return None
    return failed(
        CheckReason.EXPLANATIONS_DIFFER,
        f"{place}: {name} is {precise(one)}, recorded {precise(other)}: difference "
        f"{rounded(abs(one - other))}, tolerance {rounded(allowed)}",
    )


def _names_apart(served: Explanation, recorded: Explanation) -> str:
    """The first feature that only one of the two has, in a sentence; empty if there is none."""
    missing = sorted(recorded.contributions.keys() - served.contributions.keys())
    added = sorted(served.contributions.keys() - recorded.contributions.keys())
    if missing:
        return f"contributions.{pseudonym(missing[0])} is recorded but not served"
    return f"contributions.{pseudonym(added[0])} is served but not recorded" if added else ""
