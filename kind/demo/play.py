"""The play: v1 serves, v2 is bad and rolled back, v3 is good and promoted."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from demo.outcome import Report
from demo.show import Frame, Show
from lab import models
from lab.kubectl import KubectlError, Object, apply, fresh_namespace, get
from lab.records import Record, between, once_reachable, rates
from lab.traffic import Traffic

NAMESPACE: Final = "models"
NAME: Final = "diabetes-risk"
REPLICAS: Final = 4
STEPS: Final = ({"weight": 25, "hold": "20s"}, {"weight": 50, "hold": "20s"})
RATE: Final = 80
"""Requests per second, each on a new connection."""
MISSING: Final = 0.2
"""Share of patients who lack a measurement: those the bad model cannot answer."""
WINDOW: Final = 3.0
LOOK_EVERY: Final = 0.5
FIRST_SECONDS: Final = 120.0
ROLLBACK_SECONDS: Final = 180.0
PROMOTION_SECONDS: Final = 300.0
AFTER_SECONDS: Final = 4.0
"""How long traffic is watched after each ending: late answers and lost requests show up here."""


class Play:
    """One run of the demo.

    Args:
        tags: image tags of the sample model by release (v1, v2, v3).
        show: where to show it.
    """

    def __init__(self, tags: Mapping[str, str], show: Show) -> None:
        self._v1, self._v2, self._v3 = (tags[release] for release in ("v1", "v2", "v3"))
        self._show = show

    def run(self) -> Report:
        """Play all of it; returns what happened.

        Raises:
            TimeoutError: something expected did not happen in time.
        """
        self._show.say(f"fresh namespace {NAMESPACE}")
        fresh_namespace(NAMESPACE)
        self._show.say(f"kubectl apply: {NAME} {self._v1}, {REPLICAS} replicas")
        self._apply(self._v1)
        models.wait_stable(NAME, NAMESPACE, self._v1, FIRST_SECONDS)
        self._show.say(
            f"{self._v1} serves. Traffic: {RATE} requests/s of held-out patients, "
            f"{MISSING:.0%} of whom lack a measurement"
        )
        with Traffic(NAMESPACE, NAME, rate=RATE, missing=MISSING, image_tag=self._v1) as traffic:
            traffic.wait_for(3 * RATE)
            rejected = self._bad(traffic)
            asked, promoted = self._good(traffic)
            return Report(
                bad_tag=self._v2,
                good_tag=self._v3,
                records=tuple(once_reachable(traffic.stop())),
                rejection=rejected,
                asked_at=asked,
                promoted_at=promoted,
                events=tuple(models.events(NAME, NAMESPACE)),
            )

    def _bad(self, traffic: Traffic) -> Object:
        """Apply the bad model and watch until it is rolled back; its rejection."""
        title = f"{self._v2}: its imputer was removed, it fails on a missing measurement"
        self._apply(self._v2)
        md = self._watch(
            traffic,
            title,
            lambda md: models.rejection(md, self._v2) is not None,
            seconds=ROLLBACK_SECONDS,
            what=f"{self._v2} to be rolled back",
        )
        return models.rejection(md, self._v2) or {}

    def _good(self, traffic: Traffic) -> tuple[float, float]:
        """Apply the good model and watch until it serves; when it was applied and promoted."""
        asked = time.time()
        self._apply(self._v3)
        self._watch(
            traffic,
            f"{self._v3}: the imputer is back",
            lambda md: _serves(md, self._v3),
            seconds=PROMOTION_SECONDS,
            what=f"{self._v3} to be promoted",
        )
        promoted = [e.at for e in models.events(NAME, NAMESPACE) if e.reason == "Promoted"]
        return asked, max(promoted, default=time.time())

    def _apply(self, tag: str) -> None:
        apply(models.model(NAME, NAMESPACE, tag, replicas=REPLICAS, steps=STEPS))

    def _watch(
        self,
        traffic: Traffic,
        title: str,
        over: Callable[[Object], bool],
        *,
        seconds: float,
        what: str,
    ) -> Object:
        """Show what happens until it is over, and a little longer."""
        begin = time.time()
        ended: float | None = None
        with self._show.following(title):
            while ended is None or time.time() < ended + AFTER_SECONDS:
                md = _look(self._show, traffic, begin)
                if ended is None and over(md):
                    ended = time.time()
                if ended is None and time.time() > begin + seconds:
                    raise TimeoutError(f"waited {seconds:g} s for {what}: {models.describe(md)}")
                time.sleep(LOOK_EVERY)
        return md


def _look(show: Show, traffic: Traffic, begin: float) -> Object:
    """Read and show one moment; when kubectl fails, nothing is shown this time."""
    try:
        md = get(models.RESOURCE, NAME, NAMESPACE) or {}
        events = models.events(NAME, NAMESPACE)
    except KubectlError:
        return {}
    now = time.time()
    records: list[Record] = between(traffic.records(), now - WINDOW, now)
    show.frame(
        Frame(
            elapsed=now - begin,
            status=md.get("status") or {},
            rates=rates(records, seconds=WINDOW),
            events=tuple(event for event in events if event.at >= begin - 1),
        )
    )
    return md


def _serves(md: Mapping[str, Any], tag: str) -> bool:
    status = md.get("status") or {}
    return (status.get("stable") or {}).get("tag") == tag and "candidate" not in status
