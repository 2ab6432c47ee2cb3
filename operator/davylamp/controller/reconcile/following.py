"""Whom the gates and the checks look at: aimed by what the status remembers, in one place."""

from typing import Protocol

from davylamp.api.spec import Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.checks.inspections import Inspection, inspection_of
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import ReadSettings, Subject, subject_of
from davylamp.controller.metrics import Metrics
from davylamp.controller.reconcile.passes import Children, Parent


class Tracker(Protocol):
    """Who reads what the pods of a subject count."""

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""


class Checker(Protocol):
    """Who puts the questions of the checks to pods."""

    def follow(self, key: Key, inspection: Inspection | None) -> None:
        """Ask what an inspection asks from now on; None stops it."""


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
        key, pods = parent.key, ready_pods(children.pods)
        subject = subject_of(parent.owner, status, rollout, pods, self._reading)
        self._tracker.follow(key, subject)
        self._checker.follow(key, inspection_of(status, children.records, pods))
        self._metrics.show(key, parent.status, status)

    def stop(self, key: Key) -> None:
        """Look at nothing of an object any more."""
        self._tracker.follow(key, None)
        self._checker.follow(key, None)

    def forget(self, key: Key) -> None:
        """Drop what is shown of an object that is gone."""
        self._metrics.forget_object(key)
