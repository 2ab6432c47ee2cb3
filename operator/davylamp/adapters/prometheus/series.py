"""How the series that the gates read are called where this runs.

Everything here becomes part of a query, so it is validated when it is told.
"""

import re
from dataclasses import dataclass, fields
from typing import Final, assert_never

from davylamp.adapters.prometheus.matchers import Matcher, parse_matchers
from davylamp.gates.samples import Channel

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesNames:
    """Names of metrics and labels; the defaults are those of the sample model server.

    Selectors are further matchers, as in PromQL without the braces; they may be empty.

    Attributes:
        requests_metric: counter of requests, one series per answer code.
        requests_selector: which of its series count.
        latency_metric: histogram of the seconds to answer, classic or native, by its base name.
        latency_selector: which of its series count.
        scores_metric: histogram of predictions, by its base name.
        scores_selector: which of its series count.
        shares_metric: explanation shares: `_sum` by feature and one `_count`.
        shares_selector: which of their series count.
        group_requests_metric: counter of rows asked about, by group and code.
        group_predictions_metric: counter of rows answered, by group and outcome.
        groups_selector: which series of both count.
        code_label: label with the answer code.
        error_codes: regular expression for the codes that are errors; must match as a whole.
        feature_label: label with the name of the feature.
        group_label: label with the name of the group.
        outcome_label: label with the outcome of a prediction.
        positive_outcome: the outcome whose share is compared between groups.
        namespace_label: label with the pod's namespace.
        pod_label: label with the pod's name.

    Raises:
        ValueError: one of them is not what PromQL allows in its place.
    """

    requests_metric: str = "model_requests_total"
    requests_selector: str = 'route="predict"'
    latency_metric: str = "model_request_seconds"
    latency_selector: str = 'route="predict"'
    scores_metric: str = "model_prediction_score"
    scores_selector: str = ""
    shares_metric: str = "model_explanation_share"
    shares_selector: str = ""
    group_requests_metric: str = "model_group_requests_total"
    group_predictions_metric: str = "model_group_predictions_total"
    groups_selector: str = ""
    code_label: str = "code"
    error_codes: str = "5.."
    feature_label: str = "feature"
    group_label: str = "group"
    outcome_label: str = "outcome"
    positive_outcome: str = "high"
    namespace_label: str = "namespace"
    pod_label: str = "pod"

    def __post_init__(self) -> None:
        """Refuse what would make another query than the one meant."""
        for field in fields(self):
            _check(field.name, getattr(self, field.name))

    def metrics(self, channel: Channel) -> tuple[str, ...]:
        """The metrics that make up a channel."""
        match channel:
            case Channel.ERRORS:
                return (self.requests_metric,)
            case Channel.LATENCY:
                return _histogram(self.latency_metric)
            case Channel.SCORES:
                return _histogram(self.scores_metric)
            case Channel.SHARES:
                return (f"{self.shares_metric}_sum", f"{self.shares_metric}_count")
            case Channel.GROUPS:
                return (self.group_requests_metric, self.group_predictions_metric)
            case Channel.QUERY:
                raise ValueError("a user's own query has no metrics that are known here")
            case _:
                assert_never(channel)

    def matchers(self, channel: Channel) -> tuple[Matcher, ...]:
        """The further matchers of a channel."""
        selectors = {
            Channel.ERRORS: self.requests_selector,
            Channel.LATENCY: self.latency_selector,
            Channel.SCORES: self.scores_selector,
            Channel.SHARES: self.shares_selector,
            Channel.GROUPS: self.groups_selector,
        }
        return parse_matchers(selectors.get(channel, ""))

    def is_error(self, code: str) -> bool:
        """Whether an answer code counts as an error."""
        return re.fullmatch(self.error_codes, code) is not None


def _histogram(base: str) -> tuple[str, ...]:
    """A native histogram is one series of the base name; a classic one has suffixes."""
    return (base, f"{base}_bucket", f"{base}_count")


def _check(name: str, text: str) -> None:
    if name.endswith("_metric"):
        _require(_METRIC, text, "metric name")
    elif name.endswith("_label"):
        _require(_LABEL, text, "label name")
    elif name.endswith("_selector"):
        parse_matchers(text)
    elif name == "error_codes":
        _require_expression(text)
    elif not text:
        raise ValueError("must not be empty")


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is no {what}")


def _require_expression(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
