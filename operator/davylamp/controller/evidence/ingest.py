"""Folds what was read into a rollout's evidence: one thing at a time, and beside the event loop.

Minutes of histograms take seconds to fold. In the event loop they would keep the lease from being
renewed, and a rollback of another model from being written.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.tracked import TrackedRollout
from davylamp.controller.logs import about
from davylamp.gates import Channel, QueryAnswers, Scrapes, take_in
from davylamp.gates.recording.store import noted, values_noted

_log = logging.getLogger(__name__)
Read: TypeAlias = Mapping[Channel, Scrapes]
"""Samples by channel."""


async def fold_scrapes(followed: TrackedRollout, unread: Callable[[], Read]) -> bool:
    """Fold what pods counted into evidence and recording; whether anything was new.

    Args:
        followed: whose samples they are.
        unread: the samples that count; called once nobody else folds, as what somebody else folded
            meanwhile decides which do.
    """
    async with followed.folding:
        scrapes = unread()
        await _fold(followed, scrapes, {})
        for channel, seen in scrapes.items():
            followed.recording = noted(followed.recording, channel, seen)
        return followed.see(scrapes)


async def fold_answer(followed: TrackedRollout, gate: str, answer: QueryAnswers) -> None:
    """Fold what a gate's own query gave into evidence and recording."""
    async with followed.folding:
        await _fold(followed, {}, {gate: answer})
        followed.recording = values_noted(followed.recording, gate, answer)


async def _fold(followed: TrackedRollout, scrapes: Read, own: Mapping[str, QueryAnswers]) -> None:
    trials = followed.subject.trials
    followed.family = await asyncio.to_thread(take_in, trials, followed.family, scrapes, own)


@contextlib.contextmanager
def alone(key: Key) -> Iterator[None]:
    """Log a bug that one rollout meets; it must not keep the others unjudged."""
    try:
        yield
    except Exception:
        log = about(_log, namespace=key.namespace, name=key.name)
        log.exception("judging failed; trying again")
