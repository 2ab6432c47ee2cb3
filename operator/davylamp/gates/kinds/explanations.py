"""Features that matter: `explanations`, from the shares of features in explanations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Final

from pydantic import Field
from typing_extensions import override

from davylamp.gates.channels import Channel, Form, Labels, Names, Role, SeriesSetting
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import distance
from davylamp.gates.evidence.bounds import Shape
from davylamp.gates.kinds.base import (
    BURST_AT_LEAST_1,
    DISTANCE_ABOVE_0,
    GateKind,
    OnFail,
    WrongDecisions,
)
from davylamp.gates.kinds.distances import DistanceRule
from davylamp.gates.messages import describe
from davylamp.gates.trial import Rule, require
from davylamp.schema.models import Strict
from davylamp.schema.pseudonyms import pseudonym, pseudonym_of_stored
from davylamp.schema.quantities import Ratio, Share

_METRIC: Final = SeriesSetting("shares_metric", "model_explanation_share", Form.METRIC)
_SELECTOR: Final = SeriesSetting("shares_selector", "", Form.SELECTOR)
_FEATURE: Final = SeriesSetting("feature_label", "feature", Form.LABEL)


class _Shares(Channel):
    """Explanations, and by feature (its pseudonym) the sum of its shares: `_sum`, and one `_count`."""

    name = "shares"
    settings = (_METRIC, _SELECTOR, _FEATURE)
    counted = "explanation"

    @override
    def metrics(self, names: Names) -> tuple[str, ...]:
        return (f"{names[_METRIC.name]}_sum", f"{names[_METRIC.name]}_count")

    @override
    def selector(self, names: Names) -> str:
        return names[_SELECTOR.name]

    @override
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        if metric == f"{names[_METRIC.name]}_count":
            return Role(requests=True)
        feature = labels.get(names[_FEATURE.name], "")
        return Role(parts=(pseudonym(feature),)) if feature else None

    @override
    def stored_part(self, part: str) -> str:
        return pseudonym_of_stored(part)

    @override
    def simulated(self, traffic: Count) -> Count | None:
        """Nothing: requests and errors do not say what explains them."""
        return None


SHARES: Final = _Shares()


class Reference(StrEnum):
    """What explanations are compared with."""

    STABLE = "Stable"
    BASELINE = "Baseline"


class ExplanationsSpec(Strict):
    """Judges the canary by how much each feature matters in its explanations."""

    distance: Share = Field(
        default="0.1", description="Distance in [0, 1] that is tolerated, for example 0.1."
    )
    against: tuple[Reference, ...] = Field(
        default=tuple(Reference),
        min_length=1,
        max_length=len(Reference),
        description=(
            "Stable: stable's explanations at the same time. Baseline: the shares of training, "
            "from the image's manifest. With both, only explanations that are far from both fail."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    burst: Ratio | None = Field(
        default=None,
        description=(
            "How many explanations of one revision belong together, as rows of a request. "
            "Default 1."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ShareDistance(DistanceRule):
    """A canary is worse when its mean explanation shares are not those of its references.

    Total variation between mean share vectors above `distance`, in [0, 1]. The references are
    stable at the same time (`against_stable`) and the shares of the training run (`baseline`, by
    feature): with both, both must be left behind, as a model that was trained anew may well
    explain itself differently, and as drifting inputs move stable too.
    """

    channel: ClassVar[Channel | None] = SHARES
    worse_reason: ClassVar[str] = "ExplanationsDiffer"
    acceptable_reason: ClassVar[str] = "ExplanationsAlike"

    against_stable: bool = True
    baseline: tuple[tuple[str, float], ...] = ()

    @override
    def __post_init__(self) -> None:
        """Refuse a rule without anything to compare with."""
        super().__post_init__()
        require(self.against_stable or bool(self.baseline), "there is nothing to compare with")

    @cached_property
    def _expected(self) -> Mapping[str, float]:
        whole = math.fsum(share for _, share in self.baseline)
        return {name: share / whole for name, share in self.baseline} if whole > 0 else {}

    @property
    @override
    def expected(self) -> Mapping[str, float]:
        return self._expected

    @override
    def shapes(self, counts: Sequence[Count]) -> list[Shape]:
        return distance.share_shapes(counts, self.expected)

    @override
    def coins(self, parts: int) -> float:
        """Shares are taken to vary as if all splits were as likely (flat Dirichlet)."""
        return parts + 1.0

    @override
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        text = f"explanations of {counted.candidate.requests} canary answers"
        apart = []
        stable = distance.distance_between(self, counted) if self.against_stable else None
        if stable is not None:
            apart.append(f"{stable:.2g} from stable's")
        trained = distance.baseline_distance(self, counted.candidate)
        if trained is not None:
            apart.append(f"{trained:.2g} from those of training")
        if not apart:
            return f"{text}, too few to compare"
        movers = describe.movers(distance.biggest_movers(self, counted, 2), of="feature ")
        return f"{text} are {' and '.join(apart)}{movers}"


class ExplanationsKind(GateKind[ExplanationsSpec]):
    """Judges by the features that matter."""

    field = "explanations"
    description = "Judge by the features that matter."
    spec = ExplanationsSpec
    rules = (ShareDistance,)
    validations = (DISTANCE_ABOVE_0, BURST_AT_LEAST_1)
    default_action = OnFail.PAUSE
    compares_with_training = True

    @override
    def rule(
        self, spec: ExplanationsSpec, wrong: WrongDecisions, training: Mapping[str, float]
    ) -> Rule:
        """Compared with stable alone as long as the shares of training are not known."""
        baseline = tuple(sorted(training.items())) if Reference.BASELINE in spec.against else ()
        return ShareDistance(
            distance=float(spec.distance),
            against_stable=Reference.STABLE in spec.against or not baseline,
            baseline=baseline,
            burst=float(spec.burst) if spec.burst else None,
            false_rollback=wrong.false_rollback,
            false_promotion=wrong.false_promotion,
        )

    @override
    def is_bounded(self, spec: ExplanationsSpec) -> bool:
        return True
