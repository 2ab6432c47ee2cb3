"""The ModelDeployments of the bench: made, rolled out, looked at."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from bench.scale.client import Client

NAMESPACE: Final = "models"
MODELS: Final = f"/apis/davylamp.dev/v1alpha1/namespaces/{NAMESPACE}/modeldeployments"
CONFIG_MAPS: Final = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
CRD: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
STEPS: Final = [{"weight": 25, "hold": "1h"}]
"""One step, so long that the canary is judged for as long as the bench looks."""


def name_of(number: int) -> str:
    """The name of a ModelDeployment."""
    return f"model-{number}"


def model(number: int, *, replicas: int, tag: str = "v1") -> dict[str, Any]:
    """A ModelDeployment whose servers answer no checks, as there are none."""
    return {
        "apiVersion": "davylamp.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name_of(number), "namespace": NAMESPACE},
        "spec": {
            "image": {"repository": "registry.example/model", "tag": tag},
            "featureSnapshot": {"id": "2026-11-01"},
            "seed": 42,
            "replicas": replicas,
            "rollout": {
                "checks": [],
                "gates": [{"name": "errors", "errorRate": {"max": "1%"}}],
                "steps": STEPS,
                "deadline": "4h",
                "probation": "0s",
            },
        },
    }


class Fleet:
    """All ModelDeployments on a control plane."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def prepare(self, crd: dict[str, Any]) -> None:
        """Make the definition and the namespace."""
        self._client.create(CRD, crd)
        self._client.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})

    def make(self, numbers: Iterable[int], *, replicas: int) -> float:
        """Create ModelDeployments; returns the seconds that it took."""
        return self._each(
            partial(self._client.create, MODELS, model(n, replicas=replicas)) for n in numbers
        )

    def roll_out(self, numbers: Iterable[int], tag: str) -> float:
        """Give ModelDeployments another tag."""
        change = {"spec": {"image": {"tag": tag}}}
        return self._each(
            partial(self._client.patch, f"{MODELS}/{name_of(n)}", change) for n in numbers
        )

    def plain_writes(self, number: int) -> float:
        """How long the API server alone takes for so many new objects, in seconds."""
        seconds = self._each(
            partial(self._client.create, CONFIG_MAPS, {"metadata": {"name": f"plain-{n}"}})
            for n in range(number)
        )
        self._client.send("DELETE", f"{CONFIG_MAPS}?labelSelector=!davylamp.dev/model")
        return seconds

    def serving(self) -> int:
        """How many have a stable revision."""
        return sum("stable" in status for status in self._statuses())

    def in_stage(self, stage: str) -> int:
        """How many have a candidate in a stage."""
        candidates = (status.get("candidate", {}) for status in self._statuses())
        return sum(candidate.get("stage") == stage for candidate in candidates)

    def judged(self) -> int:
        """How many canaries have a gate with numbers."""
        candidates = (status.get("candidate", {}) for status in self._statuses())
        return sum(
            any(gate["requests"] for gate in candidate.get("gates", ())) for candidate in candidates
        )

    def rolling_out(self) -> int:
        """How many have a candidate."""
        return sum("candidate" in status for status in self._statuses())

    def _statuses(self) -> Iterable[dict[str, Any]]:
        return (item.get("status", {}) for item in self._client.items(MODELS))

    def _each(self, calls: Iterable[Callable[[], object]]) -> float:
        return self._client.at_once(calls)
