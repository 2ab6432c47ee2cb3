"""Distributions of predictions: `predictions`, from a histogram of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from pydantic import Field
from typing_extensions import override

from davylamp.gates.channels import Channel, Form, HistogramChannel, Ladder, SeriesSetting
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import distance
from davylamp.gates.evidence.bounds import Shape
from davylamp.gates.kinds.base import BURST_AT_LEAST_1, DISTANCE_ABOVE_0, GateKind, WrongDecisions
from davylamp.gates.kinds.distances import DistanceRule
from davylamp.gates.messages import describe
from davylamp.gates.trial import Rule
from davylamp.schema.models import Strict
from davylamp.schema.quantities import Ratio, Share

SCORES: Final = HistogramChannel(
    "scores",
    metric=SeriesSetting("scores_metric", "model_prediction_score", Form.METRIC),
    selector=SeriesSetting("scores_selector", "", Form.SELECTOR),
    counted="prediction",
    ladder=Ladder(-10, 12),
)
"""Predictions, and for each boundary those with at most that score; natively counted from
probabilities of 0.001 up to 4096."""


class PredictionsSpec(Strict):
    """Judges the canary by how its predictions are distributed beside stable's."""

    distance: Share = Field(
        default="0.1", description="Distance in [0, 1] that is tolerated, for example 0.1."
    )
    measure: Literal["TotalVariation", "Wasserstein"] = Field(
        default="TotalVariation",
        description=(
            "TotalVariation: share of predictions that fall elsewhere. Wasserstein: how far they "
            "move, as a part of the histogram's range; for scores with an order."
        ),
    )

    burst: Ratio | None = Field(
        default=None,
        description=(
            "How many predictions of one revision belong together, as rows of a request. Default 1."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ScoreDistance(DistanceRule):
    """A canary is worse when its predictions are distributed differently from stable's.

    That is when the total variation (or Wasserstein-1, `ordered`) distance of the two score
    histograms is above `distance`, in [0, 1]. Wasserstein is in units of the histogram's range.
    """

    channel: ClassVar[Channel | None] = SCORES
    worse_reason: ClassVar[str] = "PredictionsDiffer"
    acceptable_reason: ClassVar[str] = "PredictionsAlike"
    ordered: bool = False

    @property
    @override
    def against_stable(self) -> bool:
        return True

    @property
    @override
    def expected(self) -> Mapping[str, float]:
        """No reference but stable."""
        return {}

    @override
    def shapes(self, counts: Sequence[Count]) -> list[Shape]:
        return distance.score_shapes(counts, ordered=self.ordered)

    @override
    def coins(self, parts: int) -> float:
        """Scores are counts."""
        return 1.0

    @override
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        apart = distance.distance_between(self, counted)
        canary, stable = counted.candidate.requests, counted.stable.requests
        text = f"predictions of {canary} canary and {stable} stable answers"
        if apart is None:
            return f"{text}, too few to compare"
        measure = "Wasserstein" if self.ordered else "total variation"
        index = distance.psi(counted)
        known = "" if index is None else f"; PSI {index:.2g}"
        movers = describe.movers(distance.biggest_movers(self, counted, 2))
        return f"{text} are {apart:.2g} apart ({measure}{known}){movers}"


class PredictionsKind(GateKind[PredictionsSpec]):
    """Judges by the distribution of the predictions."""

    field = "predictions"
    description = "Judge by the distribution of the predictions."
    spec = PredictionsSpec
    rules = (ScoreDistance,)
    validations = (DISTANCE_ABOVE_0, BURST_AT_LEAST_1)

    @override
    def rule(
        self, spec: PredictionsSpec, wrong: WrongDecisions, training: Mapping[str, float]
    ) -> Rule:
        return ScoreDistance(
            distance=float(spec.distance),
            ordered=spec.measure == "Wasserstein",
            burst=float(spec.burst) if spec.burst else None,
            false_rollback=wrong.false_rollback,
            false_promotion=wrong.false_promotion,
        )

    @override
    def is_bounded(self, spec: PredictionsSpec) -> bool:
        return True
