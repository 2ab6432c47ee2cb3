"""From shares to a verdict, and the sentence about it."""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from diabetes_model import shares
from diabetes_model.drift import divergence, evidence
from diabetes_model.drift.evidence import Evidence
from diabetes_model.shares import Matrix, Vector


class Verdict(enum.Enum):
    """UNDECIDED is neither: the evidence does not suffice for the one or the other."""

    STABLE = "Stable"
    DRIFTED = "Drifted"
    UNDECIDED = "Undecided"


@dataclass(frozen=True, slots=True)
class Explained:
    """What a model answers to rows: contributions (rows x features) and one score per row."""

    contributions: Matrix
    scores: Vector


@dataclass(frozen=True, slots=True)
class FeatureShare:
    """What a feature was responsible for in training, and is now; both in [0, 1]."""

    feature: str
    baseline: float
    recent: float

    @property
    def change(self) -> float:
        """Now less then."""
        return self.recent - self.baseline


@dataclass(frozen=True, slots=True)
class Comparison:
    """Recent rows against the baseline: the evidence, and numbers for people."""

    limit: float
    evidence: Evidence
    features: tuple[FeatureShare, ...]
    rank_correlation: float | None
    jensen_shannon: float
    psi_shares: float
    psi_scores: float

    @property
    def verdict(self) -> Verdict:
        """Drifted with evidence of it, stable when the bound of the distance is within the limit."""
        if self.evidence.drifted:
            return Verdict.DRIFTED
        within = self.evidence.upper <= self.limit
        return Verdict.STABLE if within else Verdict.UNDECIDED

    @property
    def largest(self) -> FeatureShare:
        """The feature whose share changed most."""
        return max(self.features, key=lambda share: abs(share.change))


def compare(
    names: Sequence[str], baseline: Vector, *, trained: Vector, recent: Explained, limit: float
) -> Comparison:
    """Compares recent answers with the baseline shares and with the scores in training.

    Args:
        names: the features, in the order of all vectors.
        baseline: mean share of each feature, as the manifest says.
        trained: the model's scores on its feature snapshot.
        recent: at least one row, in order of arrival.
        limit: the distance tolerated.
    """
    rows = shares.of(recent.contributions)
    now = rows.mean(axis=0)
    values = zip(names, baseline.tolist(), now.tolist(), strict=True)
    return Comparison(
        limit=limit,
        evidence=evidence.weigh(rows, baseline, limit),
        features=tuple(FeatureShare(*entry) for entry in values),
        rank_correlation=divergence.rank_correlation(baseline, now),
        jensen_shannon=divergence.jensen_shannon(baseline, now),
        psi_shares=divergence.psi_of_shares(baseline, now),
        psi_scores=divergence.psi_of_scores(trained, recent.scores),
    )


def sentence(found: Comparison) -> str:
    """The verdict for people, with its numbers."""
    seen = found.evidence
    what = f"explanations of {seen.rows} recent rows are {seen.distance:.3f} from the baseline"
    match found.verdict:
        case Verdict.DRIFTED:
            return (
                f"{what}, {found.limit:g} is tolerated: chance of this evidence without drift below "
                f"{_chance(seen.log_e)}; {_change(found.largest)}"
            )
        case Verdict.STABLE:
            return (
                f"{what}, with 95 % confidence at most {seen.upper:.3f}, {found.limit:g} is "
                f"tolerated; {_change(found.largest)}"
            )
        case Verdict.UNDECIDED:
            return (
                f"{what}, {found.limit:g} is tolerated: {_doubt(found)}; {_change(found.largest)}"
            )


def _doubt(found: Comparison) -> str:
    seen = found.evidence
    needed = evidence.rows_needed(seen.distance, found.limit)
    if needed is None:
        return "more than that, but it may be chance, more rows would tell"
    return f"it may be up to {seen.upper:.3f}, about {needed} rows would tell"


def _change(share: FeatureShare) -> str:
    return (
        f"most changed {share.feature}, {share.baseline:.1%} of an answer in training, "
        f"{share.recent:.1%} now"
    ).replace("%", " %")


def _chance(log_e: float) -> str:
    return f"1 in {math.exp(log_e):.0f}" if log_e < math.log(1e6) else "1 in a million"
