"""Operator processes at work on a fake cluster, second by second of a clock of its own."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from tests.support.fakecluster import FakeCluster, Killed, Port, Write, is_watched
from tests.support.fakemodels import FakeModels
from tests.support.fakeprometheus import SCRAPE_INTERVAL, FakePrometheus
from tests.support.fakeregistries import FakeRegistries
from tests.support.kubelets import Kubelets, endpoints

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.api import names
from davylamp.api.child_metadata import NOTHING, ChildMetadata
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.images.resolver import ImageResolver
from davylamp.controller.images.settings import ImageSettings
from davylamp.controller.metrics import Metrics
from davylamp.controller.pods.warnings import PodWarnings
from davylamp.controller.settings import MetricSettings, Settings
from davylamp.controller.watches.watches import Watches
from davylamp.controller.wiring import Wiring

Json = dict[str, Any]
START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
NAMESPACE = "models"
NAME = "risk"
RETRY = 1.0
QUICK: Json = {
    "steps": [{"weight": 25, "hold": "10s"}, {"weight": 50, "hold": "10s"}],
    "gates": [{"name": "errors", "errorRate": {"max": "1%"}}],
    "probation": "30s",
    "progressDeadline": "1m",
}


class Process:
    """One operator: its own cache, evidence and wake-ups; nothing else survives its end."""

    def __init__(
        self,
        land: "Land",
        fence: Callable[[], None] = lambda: None,
        *,
        release: str = "davylamp",
        children: ChildMetadata = NOTHING,
        **settings_of: Any,
    ) -> None:
        self.land = land
        self.cache = ObjectCache()
        self.metrics = Metrics(CollectorRegistry())
        self.due: dict[Key, datetime] = {}
        self.refused: list[Terminal] = []
        self.retried: list[Retryable] = []
        self.is_deaf = False
        self.passes: list[list[Write]] = []
        """What each pass wrote; the last one may be under way."""
        settings = Settings(
            **{
                "identity": "davylamp-0",
                "lease_name": release,
                "children": children,
                "images": land.images,
                "metrics": MetricSettings(user_queries=True),
                **settings_of,
            }
        )
        self.sampler = EvidenceTracker(
            land.prometheus, settings.metrics, on_news=self.wake, clock=land.seconds
        )
        self.inspector = Inspector(
            land.models, on_news=self.wake, on_result=self.metrics.on_check, clock=land.seconds
        )
        port = Port(land.cluster, fence, self._wrote)
        self.warnings = PodWarnings(port, on_news=self.wake, clock=land.seconds)
        self.resolver = ImageResolver(
            land.registries,
            port,
            on_news=self.wake,
            clock=land.seconds,
            spread=lambda most: most / 2,
        )
        self.reconcile = Wiring(
            cluster=port,
            cache=self.cache,
            tracker=self.sampler,
            inspector=self.inspector,
            warnings=self.warnings,
            metrics=self.metrics,
            settings=settings,
            images=self.resolver,
            clock=land.time,
            ticks=land.seconds,
            patience=land.patience,
        ).reconciler()
        self.watches = Watches(Port(land.cluster), self.cache, on_change=self.wake)
        self._knows_all = False
        self._watch = land.cluster.watch()

    def wake(self, key: Key) -> None:
        self.due[key] = self.land.now

    def _wrote(self, write: Write) -> None:
        self.passes[-1].append(write)

    def hear(self) -> None:
        """Take in what the watches have delivered by now."""
        for change, item in self._watch.taken(self.land.late):
            if self.is_deaf or not is_watched(item):
                continue
            key = self.cache.remove(item) if change == "DELETED" else self.cache.put(item)
            if key:
                self.wake(key)

    async def work(self) -> None:
        """Pass over every key that is due, once all that there is has been listed."""
        if not self._knows_all:
            await self.watches.compare()
            self._knows_all = True
        for key in [key for key, at in self.due.items() if at <= self.land.now]:
            del self.due[key]
            self.passes.append([])
            try:
                again = await self.reconcile(key)
            except Retryable as error:
                self.retried.append(error)
                again = RETRY
            except Terminal as error:
                self.refused.append(error)
                again = None
            if again is not None:
                at = self.land.now + timedelta(seconds=again)
                self.due[key] = min(at, self.due.get(key, at))


@dataclass
class Land:
    """The cluster with all that runs in it, and the people outside."""

    late: random.Random | None = None
    """Lets watch events come late and in any order between kinds."""
    now: datetime = START
    patience: float = 5.0
    """Real seconds that a status waits for a flight record."""
    images: ImageSettings = field(default_factory=ImageSettings)
    registries: FakeRegistries = field(default_factory=FakeRegistries)
    ticks: int = 0
    cluster: FakeCluster = field(init=False)
    kubelets: Kubelets = field(init=False)
    prometheus: FakePrometheus = field(init=False)
    models: FakeModels = field(init=False)
    processes: list[Process] = field(default_factory=list)
    deaths: int = 0

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.time)
        self.kubelets = Kubelets(self.cluster, self.time)
        self.prometheus = FakePrometheus(self.cluster, self.seconds)
        self.models = FakeModels(self.cluster)
        self.processes.append(Process(self))

    # --- clocks -------------------------------------------------------------------------------

    def time(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    async def tick(self) -> None:
        """One second of everything; a process that dies is replaced by a new one at once."""
        self.ticks += 1
        self.now += timedelta(seconds=1)
        self.kubelets.run()
        self.prometheus.flow(1)
        if not self.ticks % SCRAPE_INTERVAL:
            self.prometheus.scrape()
        for number, process in enumerate(self.processes):
            try:
                process.hear()
                await process.sampler.poll()
                await process.inspector.poll()
                await process.resolver.poll()
                await process.warnings.poll()
                await process.work()
            except Killed:
                self.deaths += 1
                self.processes[number] = Process(self)

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.tick()

    async def until(self, holds: Callable[[], object], *, within: int = 600) -> None:
        """Let time pass until something holds."""
        for _ in range(within):
            if holds():
                return
            await self.tick()
        told = {c.type: (c.status, c.reason, c.message) for c in self.status().conditions}
        raise AssertionError(f"not within {within} s: {told}")

    async def settle(self, within: int = 600) -> None:
        """Let time pass until nothing is under way and nothing was written for a while."""
        quiet, written = 0, -1
        for _ in range(within):
            await self.tick()
            count = len(self.cluster.writes)
            busy = self.status().candidate or self.status().previous
            quiet = 0 if busy or count != written else quiet + 1
            written = count
            if quiet > 15:
                return
        raise AssertionError(f"did not settle: {self.status()}")

    def restart(self) -> None:
        """The operator is replaced by one that knows nothing."""
        self.processes = [Process(self)]

    # --- what people do -----------------------------------------------------------------------

    def apply(self, tag: str, *, name: str = NAME, **changes: Any) -> None:
        """Apply a ModelDeployment; `spec` keys by keyword."""
        known = self.parent(name)
        spec = known["spec"] if known else {"replicas": 4, "rollout": QUICK}
        fresh = {
            "image": {"repository": "registry.example/model", "tag": tag},
            "featureSnapshot": {"id": "2026-11-01"},
            "seed": 42,
        }
        manifest = known or {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"name": name, "namespace": NAMESPACE},
        }
        self.cluster.put({**manifest, "spec": {**spec, **fresh, **changes}})

    def say(self, command: names.Command, revision: str, name: str = NAME) -> None:
        """Annotate a ModelDeployment."""

        def annotate(item: Json) -> None:
            item["metadata"].setdefault("annotations", {})[command.value] = revision

        self.cluster.edit(names.KIND, name, annotate)

    # --- what people see ----------------------------------------------------------------------

    @property
    def operator(self) -> Process:
        return self.processes[0]

    def parent(self, name: str = NAME) -> Json | None:
        return next(iter(self.cluster.find(names.KIND, name)), None)

    def status(self, name: str = NAME) -> ModelDeploymentStatus:
        parent = self.parent(name)
        return ModelDeploymentStatus.model_validate((parent or {}).get("status") or {})

    def stable(self) -> str | None:
        status = self.status()
        return status.stable.tag if status.stable else None

    def serving(self, name: str = NAME) -> set[str]:
        """Tags that get traffic."""
        pods = endpoints(self.cluster, name)
        return {pod["metadata"]["labels"]["app.kubernetes.io/version"] for pod in pods}

    def running(self) -> dict[str, int]:
        """Pods wanted, by tag, where there are any."""
        found = self.cluster.find("Deployment")
        tags = ((_tag(item), item["spec"]["replicas"]) for item in found)
        return {tag: replicas for tag, replicas in tags if replicas}

    def condition(self, kind: str) -> tuple[str, str, str] | None:
        found = next((c for c in self.status().conditions if c.type == kind), None)
        return (found.status, found.reason, found.message) if found else None

    def end(self) -> dict[str, Any]:
        """What a story ended in, without times and without what depends on how long it took."""
        status = self.status()
        return {
            "stable": self.stable(),
            "candidate": status.candidate and status.candidate.tag,
            "previous": status.previous and status.previous.tag,
            "rejected": [(entry.tag, entry.reason) for entry in status.rejected],
            "outcomes": self.outcomes(),
            "serving": self.serving(),
            "running": self.running(),
            "selectors": {
                item["metadata"]["name"]: item["spec"]["selector"]
                for item in self.cluster.find("Service")
            },
            "kept": {
                kind: [item["metadata"]["name"] for item in self.cluster.find(kind)]
                for kind in ("ControllerRevision", "Deployment", "ConfigMap", "Secret")
            },
            "conditions": {c.type: (c.status, c.reason) for c in status.conditions},
        }

    def told(self) -> list[str]:
        """Reasons of the Events, oldest first."""
        return [event["reason"] for event in self.cluster.events]

    def rejected_reason(self) -> str:
        """Why the last revision was rejected."""
        return self.status().rejected[0].reason

    def outcomes(self) -> list[tuple[str, str]]:
        return [(entry.tag, entry.outcome.value) for entry in self.status().history]


def _tag(item: Json) -> str:
    return item["metadata"]["labels"]["app.kubernetes.io/version"]


def written(land: Land, kinds: Iterable[str] = ()) -> list[str]:
    """Writes as short text, Events left out."""
    return [
        f"{write.verb} {write.kind} {write.name}"
        for write in land.cluster.writes
        if write.kind != "Event" and (not kinds or write.kind in kinds)
    ]
