"""What one series adds to the sample of its pod, by channel: see `Channel`.

Whoever reads counters of pods, from Prometheus or from the pods themselves, asks here, so that
both make the same samples of the same series.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates.samples import Channel


@dataclass(frozen=True, slots=True)
class Role:
    """Where the value of a series is added: to the requests, the errors, and these parts."""

    requests: bool = False
    errors: bool = False
    parts: tuple[str, ...] = ()


def role(
    names: SeriesNames, channel: Channel, metric: str, labels: Mapping[str, str]
) -> Role | None:
    """What a series is for; None when its numbers are not needed.

    Args:
        names: how metrics and labels are called.
        channel: what is read.
        metric: name of the series' metric; without meaning where the channel has only one.
        labels: its labels.
    """
    match channel:
        case Channel.ERRORS:
            return Role(requests=True, errors=names.is_error(labels.get(names.code_label, "")))
        case Channel.LATENCY:
            return _of_histogram(names.latency_metric, metric, labels)
        case Channel.SCORES:
            return _of_histogram(names.scores_metric, metric, labels)
        case Channel.SHARES:
            return _of_shares(names, metric, labels)
        case Channel.GROUPS:
            return _of_group(names, metric, labels)
        case Channel.QUERY:
            return None
        case _:
            assert_never(channel)


def boundary(le: float) -> str:
    """Name of the part that counts up to a boundary, the same however a client wrote it.

    Clients write 1 as `1` or `1.0`, and only since Prometheus 3 that is made the same there.
    """
    return repr(le) if math.isfinite(le) else "+Inf"


def _of_histogram(base: str, metric: str, labels: Mapping[str, str]) -> Role | None:
    if metric == f"{base}_count":
        return Role(requests=True)
    if metric != f"{base}_bucket":
        return None
    le = _number(labels.get("le", ""))
    return Role(parts=(boundary(le),)) if le is not None else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) or number == -math.inf else number


def _of_shares(names: SeriesNames, metric: str, labels: Mapping[str, str]) -> Role | None:
    if metric == f"{names.shares_metric}_count":
        return Role(requests=True)
    feature = labels.get(names.feature_label, "")
    return Role(parts=(feature,)) if feature else None


def _of_group(names: SeriesNames, metric: str, labels: Mapping[str, str]) -> Role | None:
    group = labels.get(names.group_label, "")
    if not group:
        return None
    if metric == names.group_requests_metric:
        failed = names.is_error(labels.get(names.code_label, ""))
        what = ("rows", "failed") if failed else ("rows",)
        return Role(requests=True, parts=tuple(f"{group}/{each}" for each in what))
    positive = labels.get(names.outcome_label, "") == names.positive_outcome
    what = ("answered", "positive") if positive else ("answered",)
    return Role(parts=tuple(f"{group}/{each}" for each in what))
