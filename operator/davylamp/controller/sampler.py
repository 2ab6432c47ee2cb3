"""Reads what pods counted about all rollouts at once, and folds it into evidence.

One query a tick and channel however many rollouts there are (two while some have to catch up after a
restart or an outage), and none at all while nothing is judged (P9). Evidence is a pure function of
what Prometheus holds and of the weight changes in the status, so losing it costs one longer query
(P5). In the fast lane the pods are read directly; Prometheus stays the record, from which evidence
begins and to which it falls back while pods cannot be reached.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from davylamp.adapters.errors import SourceError
from davylamp.adapters.podmetrics import TIMEOUT as SWEEP_TIMEOUT
from davylamp.adapters.podmetrics import PodMetrics, Sweep
from davylamp.adapters.prometheus import MetricSource
from davylamp.controller.asking import LAG, Answers, Asker
from davylamp.controller.cache import Key
from davylamp.controller.fastlane import FastLane
from davylamp.controller.following import (
    BASELINE_SCRAPES,
    SURVEY,
    Evidence,
    Followed,
    Subject,
    by_workload,
)
from davylamp.controller.logs import about
from davylamp.controller.settings import MetricSettings
from davylamp.gates import Channel, QueryAnswers, Scrapes, take_in
from davylamp.gates.preflight import sees_stable
from davylamp.gates.recording import Recording, noted

__all__ = ["Evidence", "Sampler", "Subject"]

_log = logging.getLogger(__name__)
LOOK_AROUND: Final = 10.0
"""Seconds between two looks for other series: pods that just began to serve were not scraped yet."""
TICK: Final = 1.0
"""Seconds between polls; a scrape is judged at most this long after it can be seen."""


class Sampler:
    """Keeps the evidence of every subject that is followed.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
        on_news: told of each key about which something new was seen.
        clock: epoch seconds.
        pods: reads pods directly; None where that is not allowed.
    """

    def __init__(
        self,
        source: MetricSource,
        settings: MetricSettings,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.time,
        pods: PodMetrics | None = None,
    ) -> None:
        self._asker = Asker(source, settings)
        self._settings = settings
        self._on_news = on_news
        self._clock = clock
        self._fast_lane = FastLane(pods, settings, clock) if pods else None
        self._followed: dict[Key, Followed] = {}
        self._told_by_pods: frozenset[Key] = frozenset()
        """Whose pods are read at the moment, so that Prometheus is not asked for their counters."""
        self._is_down = False
        self._wanted = asyncio.Event()

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""
        known = self._followed.get(key)
        if subject is None:
            self._followed.pop(key, None)
        elif known and known.subject.same_trials(subject):
            known.subject = subject
        else:
            since = subject.beginning(self._clock(), self._settings.scrape_interval)
            fresh = Followed.begin(subject, since)
            if known:
                fresh.errors = known.errors
            self._followed[key] = fresh
            self._wanted.set()

    def evidence(self, key: Key) -> Evidence:
        """What is known about a key's subject."""
        known = self._followed.get(key)
        return known.evidence if known else Evidence()

    def recording(self, key: Key) -> Recording | None:
        """The raw samples from which the evidence was made."""
        known = self._followed.get(key)
        return known.recording if known else None

    async def run(self) -> None:
        """Poll while there is something to judge; never returns.

        Pods and Prometheus have a loop each: one that does not answer must not hold up the other.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self._sweep))
            tasks.create_task(self._repeat(self._ask_all))

    async def poll(self) -> None:
        """Read everything once, and take in the answers."""
        await self._sweep()
        await self._ask_all()

    async def _repeat(self, read: Callable[[], Awaitable[None]]) -> None:
        """Read each tick as long as anything is followed."""
        while True:
            if not self._followed:
                self._is_down = False
                self._wanted.clear()
                await self._wanted.wait()
            began = time.monotonic()
            try:
                await read()
            except Exception:  # noqa: BLE001 - a bug must not end judging for good
                _log.exception("judging failed; trying again")
            await asyncio.sleep(max(0.05, TICK - (time.monotonic() - began)))

    # --- Prometheus ---------------------------------------------------------------------------

    async def _ask_all(self) -> None:
        """Ask about those whose pods are not read, and put users' own queries for the others."""
        now = self._clock()
        rest = {key: f for key, f in self._followed.items() if key not in self._told_by_pods}
        asking = {
            key: f
            for key, f in self._followed.items()
            if key in self._told_by_pods and f.subject.queries
        }
        errors = [await self._ask(group, now) for group in self._groups(rest, now)]
        if asking:
            await self._ask(asking, now, counters=False)
        if errors:
            self._note(next((error for error in errors if error), None))

    def _groups(self, rest: Mapping[Key, Followed], now: float) -> list[dict[Key, Followed]]:
        """Who is asked about together: those that are up to date, that begin, that catch up.

        A long query may be refused or take long; the others must not be blind for it.
        """
        recent = now - self._look_back()
        begun = recent - SURVEY
        found: tuple[dict[Key, Followed], ...] = ({}, {}, {})
        for key, followed in rest.items():
            found[(followed.since < recent) + (followed.since < begun)][key] = followed
        return [group for group in found if group]

    async def _ask(
        self, group: Mapping[Key, Followed], now: float, *, counters: bool = True
    ) -> SourceError | None:
        """Take in what there is about a group; the error of a source that did not answer."""
        answers = await self._asker.ask(group, now, counters=counters)
        for key, followed in group.items():
            if self._followed.get(key) is followed:
                await self._judge(key, followed, answers, now)
        failed = (each for each in answers.scraped.values() if isinstance(each, SourceError))
        return next(failed, None)

    async def _judge(self, key: Key, followed: Followed, answers: Answers, now: float) -> None:
        """Take in one subject's samples; a bug met by one must not keep the others unjudged."""
        before = followed.faults, dict(followed.seen_instead)
        self._note_errors(key, followed, answers)
        try:
            news = self._take_in(key, followed, answers, now)
            await self._look_around(followed, now)
        except Exception:
            log = about(_log, namespace=key.namespace, name=key.name)
            log.exception("judging failed; trying again")
            return
        if news or before != (followed.faults, followed.seen_instead):
            self._on_news(key)

    def _note_errors(self, key: Key, followed: Followed, answers: Answers) -> None:
        for channel in followed.subject.channels:
            answer = answers.scraped.get(channel)
            if isinstance(answer, SourceError) and key not in self._told_by_pods:
                followed.errors[channel] = answer
            else:
                followed.errors.pop(channel, None)
        for gate in followed.subject.queries:
            own = answers.own.get((key, gate))
            if isinstance(own, SourceError):
                followed.query_errors[gate] = own
            elif own is not None:
                followed.query_errors.pop(gate, None)

    def _take_in(self, key: Key, followed: Followed, answers: Answers, now: float) -> bool:
        until = now - LAG
        # a pod is read up to that long after the time of its sweep: an earlier scrape of Prometheus
        # may know less, and counters that fall would count as a restart
        after = followed.swept_at + SWEEP_TIMEOUT
        scrapes = {
            channel: followed.scrapes(found, until, after=after)
            for channel, found in answers.scraped.items()
            if channel in followed.subject.channels and not isinstance(found, SourceError)
        }
        own = {
            gate: found
            for (of, gate), found in answers.own.items()
            if of == key and isinstance(found, QueryAnswers)
        }
        followed.asked_until |= {gate: found.until for gate, found in own.items()}
        if not followed.errors:
            followed.since = max(followed.since, now - self._look_back() / 2)
        return self._fold(followed, scrapes, own)

    async def _look_around(self, followed: Followed, now: float) -> None:
        """Before a canary, now and then: what there is where a gate finds nothing on stable."""
        for name, trial in followed.subject.trials.items():
            channel, state = trial.rule.channel, followed.panel.states[name]
            blind = channel in followed.answered and not sees_stable(state)
            if trial.started_at > now and blind and followed.subject.stable:
                if now - followed.looked_at.get(name, -math.inf) >= LOOK_AROUND:
                    followed.looked_at[name] = now
                    told = await self._asker.seen_instead(followed, channel, now)
                    followed.seen_instead[name] = told
            else:
                followed.seen_instead.pop(name, None)

    # --- the fast lane ------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Take in what the pods of those in the fast lane tell, and note who is told so."""
        if self._fast_lane is None:
            return
        found = await self._fast_lane.sweep(self._followed)
        self._told_by_pods = found.told
        for key, (followed, sweep) in found.sweeps.items():
            if self._followed.get(key) is followed and self._swept(followed, sweep):
                self._on_news(key)

    def _swept(self, followed: Followed, sweep: Sweep) -> bool:
        """Take in one subject's sweep; whether anything was new."""
        scrapes = {
            channel: followed.scrapes(by_workload(sweep.samples[channel]), sweep.at)
            for channel in followed.subject.channels
        }
        followed.errors.clear()
        followed.swept_at = sweep.at
        followed.since = max(followed.since, sweep.at - self._look_back() / 2)
        return self._fold(followed, scrapes, {})

    # --- both ---------------------------------------------------------------------------------

    def _fold(
        self,
        followed: Followed,
        scrapes: Mapping[Channel, Scrapes],
        own: Mapping[str, QueryAnswers],
    ) -> bool:
        """Fold what was read into the evidence and the recording; whether anything was new."""
        subject = followed.subject
        followed.panel = take_in(subject.trials, followed.panel, scrapes, own)
        followed.answered |= scrapes.keys()
        for channel, seen in scrapes.items():
            followed.recording = noted(followed.recording, channel, seen)
        return followed.see(scrapes) or bool(own)

    def _note(self, error: SourceError | None) -> None:
        """Log the beginning of an outage and its end."""
        if error and not self._is_down:
            _log.warning("cannot judge: %s", error)
        if self._is_down and not error:
            _log.info("judging again: Prometheus answers")
        self._is_down = error is not None

    def _look_back(self) -> float:
        return 2 * BASELINE_SCRAPES * self._settings.scrape_interval
