"""Names, meanings and labels of the metrics that the operator publishes about itself.

Dashboards and alerts key on these; docs/reference.md lists them, and a test compares the two.
"""

from dataclasses import dataclass
from typing import Final

MODEL: Final = ("namespace", "name")
"""Labels that name a ModelDeployment."""


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric with its labels, in their order."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()


# the process
BUILD_INFO: Final = MetricFamily(
    "davylamp_build_info", "Version of the operator and of Python; always 1.", ("version", "python")
)
LEADER: Final = MetricFamily("davylamp_leader", "Whether this process holds the lease.")
API_REQUESTS: Final = MetricFamily(
    "davylamp_api_requests_total", "Requests to the API server.", ("verb", "kind", "code")
)
PROMETHEUS_QUERIES: Final = MetricFamily(
    "davylamp_prometheus_queries_total", "Queries to Prometheus.", ("result",)
)
PROMETHEUS_SECONDS: Final = MetricFamily(
    "davylamp_prometheus_query_duration_seconds", "How long Prometheus took to answer."
)
SOURCE_UP: Final = MetricFamily(
    "davylamp_source_up", "Whether Prometheus answers queries for the counters of pods."
)
SOURCE_INFO: Final = MetricFamily(
    "davylamp_source_info", "What answers queries; always 1.", ("kind", "version")
)
SOURCE_PROBLEMS: Final = MetricFamily(
    "davylamp_source_problems",
    "Problems that were found with what answers queries; the log and helm test name them.",
)
SOURCE_SKEW: Final = MetricFamily(
    "davylamp_source_clock_skew_seconds",
    "By how much Prometheus' clock is ahead of the operator's.",
)
SOURCE_AGE: Final = MetricFamily(
    "davylamp_source_newest_sample_age_seconds",
    "Age of Prometheus' newest sample of up when it was examined last.",
)
PASSES: Final = MetricFamily("davylamp_reconcile_total", "Reconcile passes.", ("result",))
PASS_SECONDS: Final = MetricFamily("davylamp_reconcile_duration_seconds", "How long a pass took.")
QUEUE_DEPTH: Final = MetricFamily("davylamp_queue_depth", "ModelDeployments that wait for a pass.")
QUEUE_OLDEST: Final = MetricFamily(
    "davylamp_queue_oldest_seconds",
    "How long the oldest unfinished pass has been due or under way, but for those behind passes of "
    "their own namespace.",
)
EVENT_LOOP_LAG: Final = MetricFamily(
    "davylamp_event_loop_lag_seconds", "How late the event loop is, looked at all the time."
)
READINGS: Final = MetricFamily(
    "davylamp_readings_total",
    "Long answers of pods and of Prometheus that were read in a process of their own, by whose they "
    "are (empty: of all rollouts together).",
    ("namespace", "outcome"),
)
READING_SECONDS: Final = MetricFamily(
    "davylamp_reading_seconds_total", "CPU that reading them took.", ("namespace",)
)
UNREAD_OBJECTS: Final = MetricFamily(
    "davylamp_unread_objects",
    "Objects that are too heavy to be read, of which only name and status are known.",
    ("kind",),
)
PASSED_OVER: Final = MetricFamily(
    "davylamp_passed_over_objects_total",
    "Objects passed over by a list or a watch, because not even their name was found.",
    ("kind",),
)
LEFT_OUT: Final = MetricFamily(
    "davylamp_left_out",
    "What is left out because its namespace has more of it than it may, by limit.",
    ("namespace", "limit"),
)

# each rollout
REFUSED_WRITES: Final = MetricFamily(
    "davylamp_refused_writes",
    "Objects that cannot be written as they should be, by reason.",
    (*MODEL, "reason"),
)
EVENTS: Final = MetricFamily(
    "davylamp_events_total", "What happened to rollouts, as in the Events.", (*MODEL, "reason")
)
ROLLBACKS: Final = MetricFamily("davylamp_rollbacks_total", "Revisions rolled back.", MODEL)
CANARY_WEIGHT: Final = MetricFamily(
    "davylamp_canary_weight", "Share of the candidate in percent.", MODEL
)
ROLLOUT_STARTED: Final = MetricFamily(
    "davylamp_rollout_started_timestamp_seconds", "When the present rollout began.", MODEL
)
GATE_VERDICTS: Final = MetricFamily(
    "davylamp_gate_verdicts_total",
    "Changes of a gate's verdict.",
    (*MODEL, "gate", "verdict", "reason"),
)
GATE_WITHOUT_DATA: Final = MetricFamily(
    "davylamp_gate_without_data",
    "1 while a gate has no data, by reason.",
    (*MODEL, "gate", "reason"),
)
CHECK_RESULTS: Final = MetricFamily(
    "davylamp_check_results_total",
    "Changes of a check's result, before traffic and after rollbacks.",
    (*MODEL, "check", "verdict", "reason"),
)
ROLLBACK_VERIFIED: Final = MetricFamily(
    "davylamp_rollback_verified",
    "Whether stable reproduced its golden predictions after the last rollback.",
    MODEL,
)
EXPLANATION_DISTANCE: Final = MetricFamily(
    "davylamp_explanation_distance",
    "Distance between recent explanations and those of training, at the last nightly job.",
    MODEL,
)
EXPLANATION_DRIFTED: Final = MetricFamily(
    "davylamp_explanation_drifted", "Whether the last nightly job reported drift.", MODEL
)
NIGHTLY_FAILED: Final = MetricFamily(
    "davylamp_nightly_failed", "Whether the last nightly job failed.", MODEL
)
