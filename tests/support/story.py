"""One model in a namespace of its own: what users do to it, and what they can see of it."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.reading import Json, items, read

from davylamp.api.names import Command, Reason
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.rollout import identify
from lab import kubectl, metrics, models

PATIENCE = 120.0
"""Seconds for anything to happen: sized for a machine that is busy with other stories."""
POLL = 0.1
REVISION = "davylamp.dev/revision"
MODEL = "davylamp.dev/model"
QUICK_STEPS = ({"weight": 50, "hold": "2s"},)
PAUSED_STEP = ({"weight": 50, "pause": True},)


def revision_of(manifest: Json) -> str:
    """The revision a manifest asks for."""
    return identify(ModelDeploymentSpec.model_validate(manifest["spec"]), {}).revision


@dataclass(frozen=True)
class Story:
    """A ModelDeployment called `name`; `tags` are the sample model's, by release."""

    namespace: str
    tags: Mapping[str, str]
    name: str = "risk"

    # --- what users do --------------------------------------------------------------------------

    def model(
        self,
        release: str,
        *,
        replicas: int = 1,
        steps: Sequence[Mapping[str, Any]] = QUICK_STEPS,
        gates: Sequence[Mapping[str, Any]] | None = (),
        rollout: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Json:
        """A manifest; by default one pod, one quick step, no gate, no probation and no patience."""
        plan = {"probation": "0s", "minReadySeconds": 0, **(rollout or {})}
        tag = self.tags.get(release, release)
        return models.model(
            self.name,
            self.namespace,
            tag,
            replicas=replicas,
            steps=steps,
            gates=gates,
            rollout=plan,
            **options,
        )

    def apply(self, *manifests: Json) -> str:
        """Apply one after the other; the revision that the last one asks for."""
        kubectl.apply(*manifests)
        return revision_of(manifests[-1])

    def install(self, release: str = "v1", **options: Any) -> str:
        """Apply a model and wait until it serves."""
        revision = self.apply(self.model(release, **options))
        self.wait_serving(revision)
        return revision

    def say(self, command: Command, value: str) -> None:
        """Give a command by annotation."""
        models.annotate(self.name, self.namespace, command.rsplit("/", 1)[-1], value)

    def kubectl(self, *arguments: str) -> str:
        """kubectl in the namespace."""
        return kubectl.kubectl("-n", self.namespace, *arguments)

    # --- what can be seen -----------------------------------------------------------------------

    @property
    def resource_name(self) -> str:
        """The full name that kubectl understands in every cluster."""
        return f"{models.RESOURCE}/{self.name}"

    def resource(self) -> Json:
        """The ModelDeployment."""
        return read("modeldeployments", self.namespace, self.name) or {}

    def status(self) -> Json:
        """Its status, empty while there is none."""
        return self.resource().get("status", {})

    def condition(self, kind: str) -> Json:
        """One condition, empty where it is absent."""
        return models.condition(self.status(), kind) or {}

    def rejection(self, revision: str) -> Json | None:
        """Why a revision was rolled back."""
        rejected = self.status().get("rejected", [])
        return next((r for r in rejected if r["revision"] == revision), None)

    def outcomes(self) -> list[tuple[str, str]]:
        """Attempts that ended, as (revision, outcome), newest first."""
        return [(h["revision"], h["outcome"]) for h in self.status().get("history", [])]

    def service(self, suffix: str = "") -> Json:
        """One of its Services."""
        return read("services", self.namespace, f"{self.name}{suffix}") or {}

    def admits(self, revision: str) -> bool:
        """Whether the main Service sends traffic to pods of a revision."""
        selector = self.service()["spec"]["selector"]
        return selector.get(REVISION, revision) == revision

    def pods(self, revision: str | None = None) -> list[Json]:
        """Its pods, or those of one revision."""
        labels = {MODEL: self.name} | ({REVISION: revision} if revision else {})
        return items("pods", self.namespace, labels)

    def child(self, plural: str, revision: str) -> Json:
        """The object of a kind that belongs to a revision."""
        return read(plural, self.namespace, f"{self.name}-{revision}") or {}

    def replicas(self, revision: str) -> int | None:
        """Pods its Deployment shall have, None without one."""
        return self.child("deployments", revision).get("spec", {}).get("replicas")

    def events(self, reason: Reason | None = None) -> list[models.Event]:
        """The operator's Events, oldest first."""
        events = models.events(self.name, self.namespace)
        return [event for event in events if reason is None or event.reason == reason]

    # --- waiting --------------------------------------------------------------------------------

    def wait(self, holds: Callable[[], Any], what: str, *, timeout: float = PATIENCE) -> Any:
        """The first truthy answer; a TimeoutError shows the state of the model."""
        return kubectl.wait_until(
            holds,
            timeout=timeout,
            what=f"{self.namespace}: {what}",
            every=POLL,
            state=lambda: models.describe(self.resource()),
        )

    def wait_status(
        self, holds: Callable[[Json], Any], what: str, *, timeout: float = PATIENCE
    ) -> Json:
        """The status once something is true of it."""

        def current() -> Json | None:
            status = self.status()
            return status if holds(status) else None

        return self.wait(current, what, timeout=timeout)

    def wait_serving(self, revision: str, *, timeout: float = PATIENCE) -> Json:
        """Until a revision serves all traffic with all its pods and there is no candidate."""

        def serves(status: Json) -> bool:
            ready = models.condition(status, "Ready") or {}
            return (
                status.get("stable", {}).get("revision") == revision
                and "candidate" not in status
                and ready.get("status") == "True"
                and ready["reason"] != Reason.AWAITING_PODS
            )

        return self.wait_status(serves, f"{revision} serves", timeout=timeout)

    def wait_stage(self, stage: str, revision: str, *, timeout: float = PATIENCE) -> Json:
        """The candidate once it is at a stage."""

        def there(status: Json) -> bool:
            candidate = status.get("candidate", {})
            return (candidate.get("stage"), candidate.get("revision")) == (stage, revision)

        return self.wait_status(there, f"{revision} at {stage}", timeout=timeout)["candidate"]

    def wait_holding(self, reason: Reason, *, timeout: float = PATIENCE) -> Json:
        """The candidate once it is held for a reason."""

        def held(status: Json) -> bool:
            return status.get("candidate", {}).get("waitingFor") == reason

        return self.wait_status(held, f"held for {reason}", timeout=timeout)["candidate"]

    def wait_rejected(self, revision: str, *, timeout: float = PATIENCE) -> Json:
        """Why a revision was rolled back, once it was."""
        return self.wait(lambda: self.rejection(revision), f"{revision} rejected", timeout=timeout)

    def wait_without_pods(self, revision: str) -> None:
        """Until the last pod of a revision is gone."""
        self.wait(lambda: not self.pods(revision), f"no pods of {revision}")

    def wait_observed(self) -> Json:
        """The status once it speaks of the newest spec."""

        def current() -> Json | None:
            model = self.resource()
            status = model.get("status", {})
            same = status.get("observedGeneration") == model["metadata"]["generation"]
            return status if same else None

        return self.wait(current, "the newest spec observed")

    @contextlib.contextmanager
    def untouched(self, revision: str) -> Iterator[None]:
        """A context in which a revision must not lose its pods and serves at the end."""
        with self.same_pods(revision):
            yield
        assert self.admits(revision)
        assert self.status()["stable"]["revision"] == revision

    @contextlib.contextmanager
    def same_pods(self, revision: str) -> Iterator[None]:
        """A context in which the pods of a revision must neither change nor restart."""
        before = {pod["metadata"]["uid"] for pod in self.pods(revision)}
        assert before
        yield
        pods = self.pods(revision)
        assert {pod["metadata"]["uid"] for pod in pods} == before
        restarts = [s["restartCount"] for p in pods for s in p["status"]["containerStatuses"]]
        assert restarts == [0] * len(before)

    def stays(self, holds: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Fail as soon as something stops being true within that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(), f"{what} no longer: {models.describe(self.resource())}"
            time.sleep(POLL)

    def explain(self) -> str:
        """What one needs to see when the story ended badly."""
        lines = [f"--- {self.namespace}: {models.describe(self.resource())}"]
        with contextlib.suppress(kubectl.KubectlError):
            lines += [f"{e.at:.3f} {e.reason}: {e.message}" for e in self.events()]
            pods = kubectl.kubectl("get", "pods", "-o", "wide", "-n", self.namespace, check=False)
            log = [line for line in metrics.logs(lines=400).splitlines() if self.namespace in line]
            lines += [pods, *log[-25:]]
        return "\n".join(lines)
