"""Asks registries in the background, and remembers what they answered until something else is asked.

Losing an answer costs asking again (P5): what counts is in the revision's record. The tags of pinned
revisions are asked about again once in an hour, by a request without a body. Namespaces have their turn
one after the other, and the time that a question may take begins with its turn: a neighbour whose
registry never answers must not have a revision go on by its tag.
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, Protocol

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.registries.client import Registries
from davylamp.controller.cluster.cache import Key
from davylamp.controller.fairness.agenda import Agenda
from davylamp.controller.images.questions import ImageQuestion
from davylamp.controller.logs import about
from davylamp.images import ImageAnswer, ImageFault, Resolved, Unresolved
from davylamp.schema.json import JsonObject

_log = logging.getLogger(__name__)
OF_A_NAMESPACE: Final = 8
"""Images of one namespace that are asked about at the same time, twice as many of all."""
LONGEST: Final = 10.0
"""Seconds after which a revision that may go on by its tag does so, once it is its turn: that others
wait as well is no fault of a registry."""
SILENT_AFTER: Final = 2
"""Questions in a row without an answer, after which others of the namespace that wait are not asked."""
MOST_SILENT: Final = 1000
"""Registries that are remembered as silent."""
SOON: Final = 1.0
"""Seconds after which a registry that is busy is asked again, as long as there is time."""
AGAIN: Final = 5.0
"""Seconds after which a registry is asked again for what is demanded; longer each time."""
SELDOM: Final = 60.0
WATCHED_EVERY: Final = 3600.0
"""Seconds between two looks at the tag of a pinned revision."""


class SecretSource(Protocol):
    """Who reads Secrets."""

    async def get(self, kind: str, namespace: str, name: str) -> JsonObject | None:
        """An object; None where there is none."""


class _Subject(NamedTuple):
    """What an answer is about: the image of a new revision, or the tag of a recorded one."""

    key: Key
    revision: str
    is_watched: bool


@dataclass(eq=False)
class _Asked:
    subject: _Subject
    question: ImageQuestion
    due: float
    answer: ImageAnswer | None = None
    attempts: int = 0


@dataclass
class _Silence:
    """A registry that cannot be reached: how often in a row, since when, and what is said of it."""

    number: int
    at: float
    answer: Unresolved


class ImageResolver:
    """Keeps what registries answered about the images of every model.

    Args:
        registries: who is asked.
        secrets: has the pull Secrets.
        on_news: called with the key of a model about whose image there is another answer.
        clock: seconds that never go back.
        spread: a time within so many seconds, so that not all tags are looked at together.
    """

    def __init__(
        self,
        registries: Registries,
        secrets: SecretSource,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[float], float] = lambda most: random.uniform(0, most),
    ) -> None:
        self._registries = registries
        self._secrets = secrets
        self._on_news = on_news
        self._clock = clock
        self._spread = spread
        self._asked: dict[Key, dict[_Subject, _Asked]] = {}
        self._silent: dict[tuple[str, str], _Silence] = {}
        self._agenda: Agenda[_Asked] = Agenda(
            OF_A_NAMESPACE, items=self._all, begin=self._begin, clock=clock
        )

    def answer(self, key: Key, revision: str, question: ImageQuestion) -> ImageAnswer | None:
        """What is known of the image of a new revision; it is asked about from now on."""
        if question.known is not None:
            return question.known
        subject = _Subject(key, revision, is_watched=False)
        for other in self._of(key):
            if not other.is_watched and other != subject:
                del self._asked[key][other]  # nobody rolls that out any more
        return self._ask(subject, question, at=self._clock())

    def watch(
        self, key: Key, tags: Mapping[str, ImageQuestion], *, now: str | None
    ) -> dict[str, ImageAnswer]:
        """Where the tags of pinned revisions point to, as far as that is known.

        Args:
            key: the model.
            tags: what is asked, by revision; others are not looked at any more.
            now: the revision that is rolled out, whose tag is asked about at once.
        """
        for subject in self._of(key):
            if subject.is_watched and subject.revision not in tags:
                del self._asked[key][subject]
        answers: dict[str, ImageAnswer] = {}
        for revision, question in tags.items():
            subject = _Subject(key, revision, is_watched=True)
            self._take_over(subject, question)
            soon = 0.0 if revision == now else self._spread(WATCHED_EVERY)
            answer = self._ask(subject, question, at=self._clock() + soon)
            if answer is not None:
                answers[revision] = answer
        return answers

    def forget(self, key: Key) -> None:
        """Ask nothing about a model any more."""
        self._asked.pop(key, None)

    async def run(self) -> None:
        """Ask while there is something to ask; never returns."""
        await self._agenda.run()

    async def poll(self) -> None:
        """Ask everything that is due once, and wait for the answers."""
        await self._agenda.poll()

    def _all(self) -> Iterator[_Asked]:
        for of_model in self._asked.values():
            yield from of_model.values()

    def _of(self, key: Key) -> list[_Subject]:
        """What is asked about one model: four subjects at most."""
        return list(self._asked.get(key, ()))

    def _take_over(self, subject: _Subject, question: ImageQuestion) -> None:
        """A revision is recorded by now: what was asked for that counts as the first look at its tag."""
        of_model = self._asked.get(subject.key, {})
        before = of_model.pop(subject._replace(is_watched=False), None)
        if before is not None and isinstance(before.answer, Resolved):
            due = self._clock() + WATCHED_EVERY
            of_model[subject] = _Asked(subject, question, due, before.answer)

    def _ask(self, subject: _Subject, question: ImageQuestion, *, at: float) -> ImageAnswer | None:
        of_model = self._asked.setdefault(subject.key, {})
        known = of_model.get(subject)
        if known is None or known.question != question:
            known = of_model[subject] = _Asked(subject, question, due=at)
            self._agenda.wake()
        return known.answer

    def _begin(self, asked: _Asked) -> None:
        """Have something asked that is due; new revisions of a namespace before its tags."""
        subject = asked.subject
        self._agenda.errands.start(
            subject.key.namespace,
            asked,
            partial(self._resolve, asked),
            is_first=not subject.is_watched,
        )

    def _is_current(self, asked: _Asked) -> bool:
        """Whether an answer is still waited for."""
        return self._asked.get(asked.subject.key, {}).get(asked.subject) is asked

    async def _resolve(self, asked: _Asked) -> None:
        """Ask once; a bug that it meets must not keep the others unasked."""
        subject = asked.subject
        if not self._is_current(asked):
            return
        try:
            answer = await self._answer(asked)
        except Exception:
            log = about(_log, namespace=subject.key.namespace, name=subject.key.name)
            log.exception("a registry could not be asked")
            answer = Unresolved(ImageFault.UNREACHABLE, "the operator could not ask the registry")
        asked.attempts += 1
        asked.due = self._clock() + self._pause(asked, answer)
        if subject.is_watched and isinstance(answer, Unresolved):
            return
        is_news = answer != asked.answer
        asked.answer = answer
        if is_news and self._is_current(asked):
            self._on_news(subject.key)

    def _pause(self, asked: _Asked, answer: ImageAnswer) -> float:
        """Seconds until the next question: none is left once a new revision has its answer."""
        if asked.subject.is_watched:
            return WATCHED_EVERY
        if not isinstance(answer, Unresolved) or not asked.question.demanded:
            return math.inf
        return float(min(SELDOM, AGAIN * 2 ** min(asked.attempts - 1, 10)))

    async def _answer(self, asked: _Asked) -> ImageAnswer:
        """The answer within the time that there is; one that is busy is asked again in that time."""
        question = asked.question
        host, namespace = question.reference.host, question.namespace
        silence = self._silent.get((namespace, host))
        if silence and silence.number >= SILENT_AFTER and silence.at >= asked.due:
            return silence.answer
        why = f"registry {host} gave no answer within {LONGEST:g} s"
        answer: ImageAnswer = Unresolved(ImageFault.UNREACHABLE, why)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                while True:
                    answer = await self._once(question)
                    if not (isinstance(answer, Unresolved) and answer.fault is ImageFault.BUSY):
                        break
                    await asyncio.sleep(SOON)
        if not question.others:
            self._heard(namespace, host, answer)
        return answer

    def _heard(self, namespace: str, host: str, answer: ImageAnswer) -> None:
        """Remember whether a registry answers at all; those who wait for a dead one need not ask it, too."""
        before = self._silent.pop((namespace, host), None)
        if isinstance(answer, Unresolved) and answer.fault is ImageFault.UNREACHABLE:
            if len(self._silent) >= MOST_SILENT:
                self._silent.clear()
            number = before.number + 1 if before else 1
            self._silent[namespace, host] = _Silence(number, self._clock(), answer)

    async def _once(self, question: ImageQuestion) -> ImageAnswer:
        secrets = [secret async for secret in self._pull_secrets(question)]
        for other in question.others:
            signed = await self._registries.resolve(
                other.reference, secrets=secrets, digest=other.digest, keys=other.keys
            )
            if isinstance(signed, Unresolved):
                return signed
        return await self._registries.resolve(
            question.reference, secrets=secrets, digest=question.digest, keys=question.keys
        )

    async def _pull_secrets(self, question: ImageQuestion) -> AsyncIterator[JsonObject]:
        """Those that can be read; without them the registry is asked as nobody."""
        for name in question.secrets:
            with contextlib.suppress(OperatorError):
                secret = await self._secrets.get("Secret", question.namespace, name)
                if secret is not None:
                    yield secret
