"""What the API server refused for good: told until it is gone. Losing it costs one more refusal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.adapters.errors import Forbidden, OperatorError, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.owning.creations import CreationLoop
from davylamp.schema.json import JsonObject

TRIED_AGAIN: Final = timedelta(minutes=5)
"""After which the same object of the nightly job is written again."""


class Refusal(NamedTuple):
    """Why something cannot be done before somebody changes something, for a condition."""

    reason: Reason
    message: str


def refusal_of(error: OperatorError | None) -> Refusal | None:
    """What to say of an error that people have to clear away; others pass by themselves."""
    match error:
        case CreationLoop():
            return Refusal(Reason.CREATION_LOOP, str(error))
        case Forbidden():
            return Refusal(Reason.WRITE_REFUSED, str(error))
        case Terminal(reason=Reason.NAME_TAKEN | Reason.WRITE_REFUSED as reason):
            return Refusal(Reason(reason), str(error))
        case Terminal():
            return Refusal(Reason.INVALID_SPEC, str(error))
        case _:
            return None


@dataclass(frozen=True, slots=True)
class RefusedJob:
    """An object of the nightly job that was refused; the same one is not tried in every pass."""

    manifest: JsonObject
    message: str
    at: datetime

    def stands(self, manifest: JsonObject | None, now: datetime) -> bool:
        """Whether a manifest would only be refused again."""
        return self.manifest == manifest and now - self.at < TRIED_AGAIN


class Refusals:
    """Refused writes, by ModelDeployment."""

    def __init__(self) -> None:
        self._obstacles: dict[Key, OperatorError] = {}
        self._jobs: dict[Key, dict[str, RefusedJob]] = {}

    def obstacle(self, key: Key) -> OperatorError | None:
        """What kept the last pass from being carried out."""
        return self._obstacles.get(key)

    def note_obstacle(self, key: Key, error: OperatorError | None) -> None:
        """Remember what kept a pass from being carried out; None when nothing did."""
        if error is None:
            self._obstacles.pop(key, None)
        else:
            self._obstacles[key] = error

    def jobs(self, key: Key) -> Mapping[str, RefusedJob]:
        """Refused objects of the nightly job, by kind: the CronJob, and the candidate's Job."""
        return dict(self._jobs.get(key, {}))

    def note_job(self, key: Key, kind: str, refused: RefusedJob) -> None:
        """Remember a refused object of the nightly job."""
        self._jobs.setdefault(key, {})[kind] = refused

    def clear_jobs(self, key: Key, kinds: Iterable[str]) -> None:
        """Forget refusals of kinds that are written again, or wanted no more."""
        for kind in kinds:
            self._jobs.get(key, {}).pop(kind, None)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._obstacles.pop(key, None)
        self._jobs.pop(key, None)
