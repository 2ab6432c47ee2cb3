"""Takes commands that were answered off their objects, so that the same words are news again."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from davylamp.adapters.errors import Forbidden, OperatorError, Terminal
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api import names
from davylamp.api.names import Command
from davylamp.controller.cluster.cache import Key, ObjectCache, key_of
from davylamp.controller.cluster.writes import TRIED_AGAIN, Consume
from davylamp.controller.logs import about
from davylamp.manifests import Owner
from davylamp.schema.json import section

_log: Final = logging.getLogger(__name__)


class _Given(NamedTuple):
    key: Key
    command: Command
    value: str


class Consumer:
    """Removes annotations, each only while it says what was answered.

    Args:
        cluster: where they are.
        cache: learns of it at once.
        clock: the time.
    """

    def __init__(
        self, cluster: Cluster, cache: ObjectCache, *, clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock
        self._refused: dict[_Given, datetime] = {}
        """Removals that were refused: without the permission, not every pass tries it."""
        self._taken: dict[Key, dict[Command, datetime | None]] = {}
        """When the command was answered that was taken off."""

    def taken(self, key: Key) -> dict[Command, datetime | None]:
        """Commands that were taken off last, and when they had been answered."""
        return dict(self._taken.get(key, {}))

    async def consume(self, owner: Owner, write: Consume) -> bool:
        """Take a command off its object; whether that was done."""
        key, now = key_of(owner), self._clock()
        given = _Given(key, write.command, write.value)
        refused = self._refused.get(given)
        if refused is not None and now - refused < TRIED_AGAIN:
            return False
        try:
            answer = await self._cluster.drop_annotation(
                names.KIND,
                owner.namespace,
                owner.name,
                annotation=write.command.value,
                value=write.value,
                beside=self._name_beside(key, write.command),
            )
        except OperatorError as error:
            if isinstance(error, Forbidden | Terminal):
                self._refused[given] = now
            log = about(_log, **owner.fields())
            log.warning("%s stays on the object, where it is not new: %s", write.command, error)
            return False
        self._taken.setdefault(key, {})[write.command] = write.answered_at
        self._cache.put(answer)
        return True

    def _name_beside(self, key: Key, command: Command) -> str | None:
        """The annotation with the user's name, where there is one: it goes with its command."""
        annotations = section(self._cache.parent(key) or {}, "metadata", "annotations")
        return command.beside if command.beside in annotations else None

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._refused = {given: at for given, at in self._refused.items() if given.key != key}
        self._taken.pop(key, None)
