"""What the job found as an OpenMetrics text, for a collector of text files or a push gateway."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from diabetes_model.drift.verdict import Comparison, Verdict


def exposition(found: Comparison, identity: Mapping[str, str], *, reproduced: bool) -> bytes:
    """The numbers of one run; ``identity`` becomes the labels of every series."""
    registry = CollectorRegistry()
    for name, help_text, value in _numbers(found, reproduced=reproduced):
        gauge = Gauge(name, help_text, tuple(identity), registry=registry)
        gauge.labels(**identity).set(value)
    _shares(found, identity, registry)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


def _numbers(found: Comparison, *, reproduced: bool) -> list[tuple[str, str, float]]:
    seen = found.evidence
    drifted = found.verdict is Verdict.DRIFTED
    return [
        (
            "model_explanation_distance",
            "Distance of recent shares from the baseline",
            seen.distance,
        ),
        ("model_explanation_distance_upper", "95 % upper bound of the distance", seen.upper),
        ("model_explanation_distance_limit", "Distance that is tolerated", found.limit),
        ("model_explanation_log_evidence", "Natural logarithm of the e-value", seen.log_e),
        ("model_explanation_rows", "Recent rows that were compared", seen.rows),
        ("model_explanation_drifted", "1 if the explanations drifted", drifted),
        ("model_explanation_baseline_reproduced", "1 if the baseline was reproduced", reproduced),
        ("model_explanation_jensen_shannon", "Jensen-Shannon distance", found.jensen_shannon),
        ("model_prediction_psi", "Population stability index of scores", found.psi_scores),
    ]


def _shares(found: Comparison, identity: Mapping[str, str], registry: CollectorRegistry) -> None:
    gauge = Gauge(
        "model_explanation_share",
        "Mean share of a feature in the explanations",
        (*identity, "feature", "of"),
        registry=registry,
    )
    for share in found.features:
        gauge.labels(**identity, feature=share.feature, of="baseline").set(share.baseline)
        gauge.labels(**identity, feature=share.feature, of="recent").set(share.recent)
