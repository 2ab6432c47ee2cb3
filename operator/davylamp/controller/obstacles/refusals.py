"""Why something is refused, in words; and what was refused of the nightly job. Pure.

Losing what is remembered here costs one more refusal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from davylamp.adapters.errors import Forbidden, OperatorError, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.writes import TRIED_AGAIN
from davylamp.controller.obstacles.spec_paths import field_of_spec
from davylamp.rollout.wording import kubectl
from davylamp.schema.json import JsonObject

_REASONS: Final = frozenset(Reason)
_WEBHOOKS: Final = (
    "get validatingwebhookconfigurations,mutatingwebhookconfigurations "
    "-o custom-columns=KIND:.kind,NAME:.metadata.name,WEBHOOKS:.webhooks..name"
)
"""A webhook is told by its own name: this shows in which configuration it stands."""
_RULES: Final = {
    "the ValidatingAdmissionPolicy ": "describe validatingadmissionpolicy {}",
    "the MutatingAdmissionPolicy ": "describe mutatingadmissionpolicy {}",
    "the webhook ": _WEBHOOKS,
    "the quota ": "describe resourcequota {}",
}
"""Where the rules of those who refuse stand."""


class Refusal(NamedTuple):
    """Why something cannot be done, for a condition."""

    reason: Reason
    message: str


def refusal_of(error: OperatorError, sent: JsonObject | None = None) -> Refusal:
    """What to say of an error.

    Only what the API server says of fields that come from the spec is the spec's fault. A policy, a
    quota or a permission is not, whatever code it answers with.

    Args:
        error: what the API server answered, or an adapter's own reason.
        sent: the object that was to be written.
    """
    words = f"refused by {error.by}: {error}" if error.by else str(error)
    if isinstance(error, Terminal):
        path = field_of_spec(error, sent)
        if path:
            return Refusal(Reason.INVALID_SPEC, f"{path}: {error}")
    if error.reason in _REASONS:
        return Refusal(Reason(error.reason), words)
    if isinstance(error, Terminal | Forbidden):
        return Refusal(Reason.WRITE_REFUSED, words)
    return Refusal(Reason.WRITE_FAILING, words)


def where_to_look(by: str, namespace: str) -> str:
    """The command that shows the rule of whoever refused; empty where there is none to show.

    Args:
        by: who refused, as in `OperatorError.by`.
        namespace: of what was to be written.
    """
    for prefix, arguments in _RULES.items():
        if by.startswith(prefix):
            return kubectl(arguments.format(by.removeprefix(prefix)), namespace)
    return ""


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
    """Refused objects of the nightly job, by ModelDeployment."""

    def __init__(self) -> None:
        self._jobs: dict[Key, dict[str, RefusedJob]] = {}

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
        self._jobs.pop(key, None)
