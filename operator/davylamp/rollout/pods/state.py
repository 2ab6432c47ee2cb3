"""The pods of a revision as the cluster reports them: each container, and the pod as a whole.

Every text in here is one clean line of bounded length: whoever reads pods made it so. Nothing that a
container says itself is in here, and what others say of it may be told in `pods.phrases` only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from davylamp.api import names
from davylamp.rollout.pods.images import shared_digest

LONG_AGO: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATELY: Final = timedelta(hours=1)
"""How long a pod that failed may explain why others are missing."""
ContainerRole: TypeAlias = Literal["model", "sidecar", "init"]
"""A native sidecar, which Kubernetes lists with the init containers, is a sidecar."""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container of a pod as its kubelet reports it."""

    name: str = names.CONTAINER
    role: ContainerRole = "model"
    ready: bool = False
    """Passes its readiness probe; an init container: has done its work."""
    started: bool = False
    """Has passed its startup probe since it was started last."""
    running: bool = False
    waiting_reason: str | None = None
    waiting_message: str | None = None
    """Anybody's words, for rules that look for some of them; never told (`pods.phrases`)."""
    restarts: int = 0
    last_exit_reason: str | None = None
    last_exit_code: int | None = None
    last_start_failure: str = ""
    """Where it could not be started at all: phrases of why, by its runtime (`pods.phrases`)."""
    ends: tuple[datetime, ...] = ()
    """When the operator saw that it had ended, by its own clock, newest last; the last few."""


class PodFailure(NamedTuple):
    """Why a pod as a whole is over: evicted, preempted, refused by its node, ended with its node."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod as its status has it."""

    name: str
    node: str = ""
    phase: str = "Pending"
    created_at: datetime | None = None
    """By the clock of the API server."""
    ready: bool = False
    terminating: bool = False
    killed_at: datetime | None = None
    """When the grace of a terminating pod ends, by the clock of the API server."""
    failure: PodFailure | None = None
    """Only of a pod that is over: its containers never run again."""
    disruption: str | None = None
    """Why the cluster ends the pod (reason of `DisruptionTarget`), if it does."""
    unscheduled: str | None = None
    """Why no node takes it, in the scheduler's words."""
    missing_gates: tuple[str, ...] = ()
    """Readiness gates that whoever is in charge of them has not opened."""
    objects: frozenset[str] = frozenset()
    """Names of volumes, of objects and of keys in them that the pod refers to: they may be told."""
    event: str | None = None
    """The newest warning about it, where its status does not say what keeps it from starting."""
    containers: tuple[ContainerState, ...] = ()
    image_id: str | None = None
    """Of the model's container."""
    ready_changed_at: datetime | None = None
    """By the clock of its node: compared for change only."""
    was_ready: bool = False
    """Whether it has been ready before, or is."""
    node_lost: bool = False
    """Whether its node has stopped reporting: the control plane says that it is unready, not its kubelet."""
    ready_since: datetime | None = None
    """By the operator's own clock, as are the following (`pods.memory`)."""
    unready_since: datetime | None = None
    unhindered_since: datetime | None = None
    """Since when it has been starting, or running, with nothing but itself in its way."""
    troubled_at: datetime | None = None
    """When a container of it ended last, or when it last lost its readiness."""
    losses: tuple[datetime, ...] = ()
    """When it lost its readiness, newest last; the last few."""

    @property
    def ready_since_when(self) -> datetime:
        """Since when it is ready; a pod of which nobody knows has been so for ever."""
        return self.ready_since or LONG_AGO

    @property
    def living(self) -> bool:
        """Whether it is neither over nor being deleted."""
        return self.failure is None and not self.terminating

    def first(self, matches: Callable[[ContainerState], bool]) -> ContainerState | None:
        """The first of its containers of which something is true."""
        return next((container for container in self.containers if matches(container)), None)


@dataclass(frozen=True, slots=True)
class Workload:
    """The Deployment of one revision and its pods."""

    revision: str
    desired: int = 0
    pods: tuple[PodState, ...] = ()
    refusal: str | None = None
    """Why the Deployment's controller cannot create pods, in the API server's words."""

    @property
    def living(self) -> tuple[PodState, ...]:
        """Pods that are neither over nor being deleted."""
        return tuple(pod for pod in self.pods if pod.living)

    @property
    def running(self) -> tuple[PodState, ...]:
        """Pods whose containers may still run: those that are being deleted too."""
        return tuple(pod for pod in self.pods if pod.failure is None)

    @property
    def failed(self) -> tuple[PodState, ...]:
        """Pods that are over and were replaced, newest first; Kubernetes keeps them around."""
        over = [pod for pod in self.pods if pod.failure is not None]
        return tuple(sorted(over, key=_age))

    @property
    def failed_lately(self) -> tuple[PodState, ...]:
        """Those of the failed pods that are not much older than the newest pod."""
        created = [pod.created_at for pod in self.pods if pod.created_at]
        since = max(created, default=LONG_AGO) - LATELY
        return tuple(pod for pod in self.failed if (pod.created_at or LONG_AGO) >= since)

    @property
    def ready(self) -> int:
        """Number of pods that can serve."""
        return sum(pod.ready for pod in self.living)

    @property
    def lasting(self) -> int:
        """Ready pods that stay: those above `desired` are about to be deleted."""
        return min(self.ready, self.desired)

    def settled_at(self, count: int, min_ready: timedelta) -> datetime | None:
        """From when on that many pods will have been ready for so long; None without so many."""
        since = sorted(pod.ready_since_when for pod in self.living if pod.ready)
        return since[count - 1] + min_ready if 0 < count <= len(since) else None

    @property
    def image_ids(self) -> frozenset[str]:
        """Image ids of living pods, in the spellings of their nodes."""
        return frozenset(pod.image_id for pod in self.living if pod.image_id)

    @property
    def digest(self) -> str | None:
        """The image digest that all living pods share, None while it is not known or not one."""
        return shared_digest(self.image_ids)


def _age(pod: PodState) -> tuple[float, str]:
    """Sorts the newest first; a pod without a date counts as the oldest."""
    return (-pod.created_at.timestamp() if pod.created_at else 0.0, pod.name)
