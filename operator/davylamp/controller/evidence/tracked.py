"""What is known about one tracked rollout, in parts.

Each part is a value that one module replaces, the one that its docstring names; all others only
look. So what two loops do at the same time never mixes within a part.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.fairness.limits import DEFAULT_LIMITS
from davylamp.gates import Channel, GateFamily, QueryAnswers, Trial, open_family
from davylamp.gates.recording.store import Recording


@dataclass(frozen=True, slots=True)
class CounterProgress:
    """How far the counters of the pods were read, from either source. Replaced by `ingest`.

    Attributes:
        until: by channel, epoch seconds before which nothing is needed again.
        answered: channels that were read up to the present at least once.
        errors: why channels cannot be read at the moment.
    """

    until: Mapping[Channel, float] = field(default_factory=dict)
    answered: frozenset[Channel] = frozenset()
    errors: Mapping[Channel, SourceError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoldedEvidence:
    """What the trials made of all samples so far. Replaced by `ingest`, which holds `folding`.

    Attributes:
        family: the states of the gates.
        recording: the raw samples from which they were made.
        newest: by pod, epoch seconds of its newest sample.
        swept_at: epoch seconds of the last direct scrape that was folded.
    """

    family: GateFamily
    recording: Recording = field(default_factory=Recording)
    newest: Mapping[str, float] = field(default_factory=dict)
    swept_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class UserQueryProgress:
    """What user queries gave. Replaced by `user_queries`.

    Attributes:
        until: by gate, the last moment that its query was asked about, epoch seconds.
        errors: by gate, why its query cannot be asked at the moment.
    """

    until: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, SourceError] = field(default_factory=dict)

    def failed(self, gate: str, error: SourceError) -> "UserQueryProgress":
        """The progress after an error."""
        return replace(self, errors={**self.errors, gate: error})

    def answered(self, gate: str, answers: QueryAnswers) -> "UserQueryProgress":
        """The progress after an answer."""
        errors = {name: error for name, error in self.errors.items() if name != gate}
        return UserQueryProgress({**self.until, gate: answers.until}, errors)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Which series pods have instead of those that gates look for. Replaced by `suggestions`.

    Attributes:
        texts: by gate that has no data of stable: what it looks for, and what there is instead.
        looked_at: by gate, epoch seconds of the last search.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    looked_at: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackedEvidence:
    """What is known about a subject now: the answer to whoever decides."""

    trials: Mapping[str, Trial] = field(default_factory=dict)
    family: GateFamily = field(default_factory=GateFamily)
    scraped: frozenset[str] = frozenset()
    """Pods with at least one sample."""
    errors: Mapping[Channel, SourceError] = field(default_factory=dict)
    query_errors: Mapping[str, SourceError] = field(default_factory=dict)
    answered: frozenset[Channel] = frozenset()
    """Channels that were read up to the present at least once; of others, part is still unread."""
    queried: frozenset[str] = frozenset()
    """Gates whose user query was answered at least once."""
    suggestions: Mapping[str, str] = field(default_factory=dict)
    """By gate that has no data of stable: which series there are instead."""


@dataclass(slots=True, eq=False)
class TrackedRollout:
    """A subject, and what was learnt about it so far."""

    subject: Subject
    """Replaced by `tracker`."""
    since: float
    """Epoch seconds from which samples are needed."""
    folded: FoldedEvidence
    counters: CounterProgress = field(default_factory=CounterProgress)
    queries: UserQueryProgress = field(default_factory=UserQueryProgress)
    suggestions: Suggestions = field(default_factory=Suggestions)
    is_asked_about: bool = False
    """Whether its past was asked about. Replaced by `counter_reader`."""
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever folds."""

    @classmethod
    def begin(
        cls, subject: Subject, since: float, errors: Mapping[Channel, SourceError] | None = None
    ) -> "TrackedRollout":
        """Nothing is known yet, except perhaps why channels cannot be read."""
        return cls(
            subject,
            since,
            FoldedEvidence(open_family(subject.trials)),
            CounterProgress(errors=errors or {}),
            UserQueryProgress(dict.fromkeys(subject.queries, since)),
        )

    @property
    def evidence(self) -> TrackedEvidence:
        """What is known now."""
        return TrackedEvidence(
            trials=self.subject.trials,
            family=self.folded.family,
            scraped=frozenset(self.folded.newest),
            errors=self.counters.errors,
            query_errors=self.queries.errors,
            answered=self.counters.answered,
            queried=frozenset(g for g, until in self.queries.until.items() if until > self.since),
            suggestions=self.suggestions.texts,
        )

    @property
    def faults(self) -> frozenset[tuple[str, SourceFault]]:
        """What cannot be asked at the moment, channels and user queries, and why."""
        channels = {(c.name, error.fault) for c, error in self.counters.errors.items()}
        gates = {(f"gate {gate}", error.fault) for gate, error in self.queries.errors.items()}
        return frozenset(channels | gates)

    @property
    def unread(self) -> Mapping[Channel, float]:
        """By channel: epoch seconds from which samples are still needed."""
        until = self.counters.until
        return {channel: until.get(channel, self.since) for channel in self.subject.channels}


class TrackedRollouts:
    """All rollouts that are tracked; `tracker` alone adds and removes them.

    Args:
        on_news: called with each key about which something new was learnt.
        limit: how many of one namespace are read. Those with traffic are read in any case; of those
            without, who came first.
    """

    def __init__(
        self, on_news: Callable[[Key], None], *, limit: int = DEFAULT_LIMITS.rollouts
    ) -> None:
        self._by_key: dict[Key, TrackedRollout] = {}
        self._left_out: frozenset[Key] = frozenset()
        self._on_news = on_news
        self._limit = limit

    def __iter__(self) -> Iterator[tuple[Key, TrackedRollout]]:
        """Those that are read, at this moment: all may change while they are looked at."""
        left_out = self._left_out
        return iter([item for item in self._by_key.items() if item[0] not in left_out])

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Key) -> TrackedRollout | None:
        """The rollout of a key, if it is tracked."""
        return self._by_key.get(key)

    def put(self, key: Key, tracked: TrackedRollout) -> None:
        """Track a rollout, in the place of the one that had the key before."""
        self._by_key[key] = tracked
        self._share_out()

    def remove(self, key: Key) -> None:
        """Track it no longer."""
        if self._by_key.pop(key, None) is not None:
            self._share_out()

    def is_current(self, key: Key, tracked: TrackedRollout) -> bool:
        """Whether a rollout is still the one that is tracked: answers may come late."""
        return self._by_key.get(key) is tracked

    @property
    def left_out(self) -> frozenset[Key]:
        """Those that wait until fewer of their namespace are read."""
        return self._left_out

    def report_news(self, key: Key, tracked: TrackedRollout) -> None:
        """Report that something new was learnt about a rollout, if it is still tracked."""
        if self.is_current(key, tracked):
            self._on_news(key)

    def _share_out(self) -> None:
        """Find out who is left out; no more is done than counting while all are few."""
        before = self._left_out
        self._left_out = frozenset()
        if len(self._by_key) > self._limit:
            read = Counter(k.namespace for k, t in self._by_key.items() if not t.subject.is_survey)
            surveys = (key for key, t in self._by_key.items() if t.subject.is_survey)
            self._left_out = frozenset(key for key in surveys if self._is_full(key, read))
        for key in before - self._left_out:
            if key in self._by_key:
                self._on_news(key)

    def _is_full(self, key: Key, read: Counter[str]) -> bool:
        read[key.namespace] += 1
        return read[key.namespace] > self._limit
