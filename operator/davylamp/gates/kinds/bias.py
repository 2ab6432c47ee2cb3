"""Groups of people: `bias`, from counters of rows asked about and answered, by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from pydantic import Field
from typing_extensions import override

from davylamp.gates.channels import (
    CODE_LABEL,
    ERROR_CODES,
    Channel,
    Form,
    Labels,
    Names,
    Role,
    SeriesSetting,
    is_error,
)
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import group_gap
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.kinds.base import BURST_AT_LEAST_1, GateKind, WrongDecisions
from davylamp.gates.kinds.distances import ENOUGH
from davylamp.gates.kinds.sequential import SequentialRule
from davylamp.gates.messages.numbers import percent
from davylamp.gates.trial import Rule, require, within
from davylamp.schema.models import Strict
from davylamp.schema.pseudonyms import pseudonym, pseudonym_of_stored
from davylamp.schema.quantities import Ratio, Share

_REQUESTS: Final = SeriesSetting("group_requests_metric", "model_group_requests_total", Form.METRIC)
_PREDICTIONS: Final = SeriesSetting(
    "group_predictions_metric", "model_group_predictions_total", Form.METRIC
)
_SELECTOR: Final = SeriesSetting("groups_selector", "", Form.SELECTOR)
_GROUP: Final = SeriesSetting("group_label", "group", Form.LABEL)
_OUTCOME: Final = SeriesSetting("outcome_label", "outcome", Form.LABEL)
_POSITIVE: Final = SeriesSetting("positive_outcome", "high", Form.TEXT)


class _Groups(Channel):
    """Rows asked about; by group (its pseudonym) `<group>/rows` (asked), `<group>/failed`, `<group>/answered` and
    `<group>/positive` (of the answered ones)."""  # noqa: D205, D209

    name = "groups"
    settings = (
        _REQUESTS,
        _PREDICTIONS,
        _SELECTOR,
        CODE_LABEL,
        ERROR_CODES,
        _GROUP,
        _OUTCOME,
        _POSITIVE,
    )
    counted = "row with a group"

    @override
    def metrics(self, names: Names) -> tuple[str, ...]:
        return (names[_REQUESTS.name], names[_PREDICTIONS.name])

    @override
    def selector(self, names: Names) -> str:
        return names[_SELECTOR.name]

    @override
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        label = labels.get(names[_GROUP.name], "")
        if not label:
            return None
        group = pseudonym(label)
        if metric == names[_REQUESTS.name]:
            failed = is_error(names, labels.get(names[CODE_LABEL.name], ""))
            parts = ("rows", "failed") if failed else ("rows",)
            return Role(requests=True, parts=tuple(f"{group}/{part}" for part in parts))
        positive = labels.get(names[_OUTCOME.name], "") == names[_POSITIVE.name]
        parts = ("answered", "positive") if positive else ("answered",)
        return Role(parts=tuple(f"{group}/{part}" for part in parts))

    @override
    def stored_part(self, part: str) -> str:
        group, slash, kind = part.rpartition("/")
        return f"{pseudonym_of_stored(group)}{slash}{kind}" if group else part

    @override
    def simulated(self, traffic: Count) -> Count | None:
        """Nothing: requests and errors do not say of which group they are."""
        return None


GROUPS: Final = _Groups()


class BiasSpec(Strict):
    """Judges the canary by how differently groups of people are treated."""

    outcome: Literal["Positive", "Error"] = Field(
        default="Positive", description="Share that is compared: of positive answers or of errors."
    )
    max: Share = Field(
        default="0.1", description="Gap between two groups that is tolerated in any case."
    )
    increase: Share = Field(
        default="0.05", description="How much larger than stable's the gap may be."
    )
    burst: Ratio | None = Field(
        default=None,
        description=(
            "How many rows of one revision belong together, as rows of a request. Default 1."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class GroupRateGap(SequentialRule):
    """A canary is worse when groups of people are treated more unequally than by stable.

    The gap is the largest rate of a group minus the smallest, of errors or (`positive`) of positive
    answers. Worse means above `max_gap` AND more than `increase` above stable's gap.
    """

    channel: ClassVar[Channel | None] = GROUPS
    worse_reason: ClassVar[str] = "GroupGapWorse"
    acceptable_reason: ClassVar[str] = "GroupGapAcceptable"

    max_gap: float = 0.1
    increase: float = 0.05
    positive: bool = True

    @override
    def __post_init__(self) -> None:
        """Refuse bounds that nothing exceeds."""
        super().__post_init__()
        within(self, "max_gap")
        require(0 <= self.increase < 1, "increase must lie between 0 and 1")

    @override
    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        return group_gap.gains(self, block)

    @override
    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        return group_gap.gains_alone(self, block)

    @override
    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        return group_gap.accepts(self, past)

    @override
    def assumed_effect(self, survey: Survey) -> DesignEffect:
        """Taken as independent: only errors are surveyed."""
        return DesignEffect()

    @override
    def still_needed(
        self, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
    ) -> int | None:
        return group_gap.needed(self, counted) or None

    @override
    def alone(self) -> Rule | None:
        """The bound on the gap needs no stable."""
        return self

    @override
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        canary = group_gap.gap(self, counted.candidate)
        rates = "positive answers" if self.positive else "errors"
        if canary is None:
            rows = counted.candidate.requests
            return f"{rates} by group of {rows} canary rows, too few to compare"
        text = (
            f"{rates} of group {canary.largest_group} {percent(canary.largest_rate)}, of group "
            f"{canary.smallest_group} {percent(canary.smallest_rate)}: a gap of {canary.size:.2g}"
        )
        stable = None if alone else group_gap.gap(self, counted.stable)
        return f"{text} against stable's {stable.size:.2g}" if stable else text

    @override
    def beyond(self, *, alone: bool) -> str:
        return f"above {self.max_gap:g} and more than {self.increase:g} above stable's"

    @override
    def inside(self) -> str:
        return f"within {self.max_gap:g} or {self.increase:g} of stable's"

    @override
    def assurance(self) -> str:
        return ENOUGH


class BiasKind(GateKind[BiasSpec]):
    """Judges by the gap between groups."""

    field = "bias"
    description = "Judge by the gap between groups."
    spec = BiasSpec
    rules = (GroupRateGap,)
    validations = (
        ("self.max.matches('[1-9]')", "max must lie between 0 and 1"),
        BURST_AT_LEAST_1,
    )

    @override
    def rule(self, spec: BiasSpec, wrong: WrongDecisions, training: Mapping[str, float]) -> Rule:
        return GroupRateGap(
            max_gap=float(spec.max),
            increase=float(spec.increase),
            positive=spec.outcome == "Positive",
            burst=float(spec.burst) if spec.burst else None,
            false_rollback=wrong.false_rollback,
            false_promotion=wrong.false_promotion,
        )

    @override
    def is_bounded(self, spec: BiasSpec) -> bool:
        return True
