"""Whom the gates and the checks look at: aimed by what the status remembers, in one place."""

from dataclasses import dataclass
from typing import Protocol

from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.checks.inspections import Inspection, inspection_of
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import ReadSettings, Subject, subject_of
from davylamp.controller.metrics import Metrics
from davylamp.controller.reconcile.passes import Children, Parent
from davylamp.schema.json import JsonObject


class Tracker(Protocol):
    """Who reads what the pods of a subject count."""

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""


class Checker(Protocol):
    """Who puts the questions of the checks to pods."""

    def follow(self, key: Key, inspection: Inspection | None) -> None:
        """Ask what an inspection asks from now on; None stops it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Aim:
    """What was aimed by."""

    children: Children
    status: ModelDeploymentStatus
    rollout: Rollout

    def is_like(self, other: "_Aim | None") -> bool:
        """Whether aiming again would change nothing; what did not change is the same object."""
        return (
            other is not None
            and self.status is other.status
            and self.children.records is other.children.records
            and self.rollout == other.rollout
            and _as_stored(self.children) == _as_stored(other.children)
        )


class Following:
    """Aims those who look at pods, and shows in the metrics where a rollout stands.

    Args:
        tracker: reads what pods count.
        checker: asks pods questions.
        metrics: shows rollouts.
        reading: how counters are read.
    """

    def __init__(
        self, *, tracker: Tracker, checker: Checker, metrics: Metrics, reading: ReadSettings
    ) -> None:
        self._tracker = tracker
        self._checker = checker
        self._metrics = metrics
        self._reading = reading
        self._aimed: dict[Key, _Aim] = {}

    def aim(
        self, parent: Parent, children: Children, status: ModelDeploymentStatus, rollout: Rollout
    ) -> None:
        """Judge by what is recorded, never by a step that another pass might not find again.

        Args:
            parent: whose status it is, as it was before.
            children: its records and pods.
            status: what is recorded now.
            rollout: the rollout settings of the moment.
        """
        key, aim = parent.key, _Aim(children, status, rollout)
        if aim.is_like(self._aimed.get(key)):
            return
        self._aimed[key] = aim
        pods = ready_pods(children.pods, self._reading.networks)
        subject = subject_of(parent.owner, status, rollout, pods, self._reading)
        self._tracker.follow(key, subject)
        self._checker.follow(key, inspection_of(status, children.records, pods))
        self._metrics.show(key, parent.status, status)

    def stop(self, key: Key) -> None:
        """Look at nothing of an object any more."""
        self._aimed.pop(key, None)
        self._tracker.follow(key, None)
        self._checker.follow(key, None)

    def rest(self, key: Key) -> None:
        """Keep nothing at hand of a model that is not looked at for a while."""
        self._aimed.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop what is shown of an object that is gone."""
        self._metrics.forget_object(key)


def _as_stored(children: Children) -> list[JsonObject]:
    """Pods as the cluster has them: what is remembered of one counts from now, so it moves each time."""
    return [pod.manifest for pod in children.pods]
