"""What the operator says about itself: its pods, its leader, its metrics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from lab.kubectl import get, items, kubectl

NAMESPACE: Final = "davylamp-system"
LEASE: Final = "davylamp"
PODS: Final = "app.kubernetes.io/name=davylamp,app.kubernetes.io/component=operator"
METRICS_PORT: Final = 9090


@dataclass(frozen=True)
class Sample:
    """One number of one pod."""

    name: str
    labels: Mapping[str, str]
    value: float


def operator_pods() -> list[str]:
    """Names of the operator's pods that are ready and not on their way out."""
    return sorted(
        str(pod["metadata"]["name"])
        for pod in items("pods", NAMESPACE, PODS)
        if "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)
    )


def leader() -> str | None:
    """Name of the pod that holds the lease."""
    lease = get("lease", LEASE, NAMESPACE) or {}
    holder = str((lease.get("spec") or {}).get("holderIdentity") or "")
    return holder.rpartition("_")[0] or holder or None


def scrape(pod: str) -> list[Sample]:
    """What one operator pod shows, asked through the API server."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{METRICS_PORT}/proxy/metrics"
    return parse(kubectl("get", "--raw", path))


def scrape_all() -> list[Sample]:
    """What all operator pods show; counters of all of them add up to the operator's work."""
    return [sample for pod in operator_pods() for sample in scrape(pod)]


def parse(text: str) -> list[Sample]:
    """Samples of the text exposition format."""
    return [
        Sample(sample.name, dict(sample.labels), float(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def total(samples: Iterable[Sample], name: str, **labels: str) -> float:
    """Sum of a metric over all samples that carry these labels; 0 where there is none."""
    return sum(
        sample.value
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def logs(*, lines: int = 60) -> str:
    """The end of every operator pod's log, the crashed ones' too."""
    names = [str(pod["metadata"]["name"]) for pod in items("pods", NAMESPACE, PODS)]
    return "\n".join(f"--- {name}\n{_tail(name, lines)}" for name in names)


def _tail(pod: str, lines: int) -> str:
    return kubectl("logs", pod, "-n", NAMESPACE, f"--tail={lines}", check=False)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
