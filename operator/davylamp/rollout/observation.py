"""Everything a decision looks at, gathered before it is taken; every key is always there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from davylamp.api.explanations import Explanations
from davylamp.api.names import Command
from davylamp.api.spec import Rollout
from davylamp.api.status import RevisionRef
from davylamp.api.status_parts import GateForecast
from davylamp.checks import CheckResult
from davylamp.gates import Judgement, Verdict
from davylamp.images import ImageAnswer, ImageFinding
from davylamp.rollout.drift_reports import DriftResult
from davylamp.rollout.pods.state import Workload


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a pod of a revision answered; `since` is when the rollout or the rollback was that asked."""

    revision: str
    since: datetime
    results: tuple[CheckResult, ...]
    baseline: Mapping[str, float] = field(default_factory=dict)
    """Explanation shares of the training run, by feature, as the manifest has them."""


@dataclass(frozen=True, slots=True)
class Served:
    """A revision to which the stored route sends traffic, whatever the status remembers."""

    revision: str
    ref: RevisionRef | None = None
    """Which model it is, where its record is still there."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One complete look at a ModelDeployment and its children."""

    now: datetime
    generation: int
    target: RevisionRef
    rollout: Rollout
    replicas: int
    watched_since: datetime | None = None
    """Since when this process looks at the object; None where that is longer than anything matters."""
    paused: bool = False
    commands: Mapping[Command, str] = field(default_factory=dict)
    users: Mapping[Command, str] = field(default_factory=dict)
    """Who gave each command, where that is proven."""
    author: str | None = None
    """Who wrote the spec as it is, where that is proven."""
    declared: frozenset[Command] = frozenset()
    """Commands that stand in an applied manifest: whoever applies it would put them back."""
    consumed: Mapping[Command, datetime | None] = field(default_factory=dict)
    """Commands that were taken off, and when they had been answered (None: by an operator of an
    earlier version): what is there after that was given anew."""
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    """Names of the recorded revisions, oldest first."""
    missing_secrets: tuple[str, ...] = ()
    image: ImageFinding | None = None
    """What is known of the target's image before it is recorded; None where nothing is to be known."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """Digests to which tags were resolved, by recorded revision."""
    tags: Mapping[str, ImageAnswer] = field(default_factory=dict)
    """Where the tags of pinned revisions point to now, by revision, as far as that was asked."""
    served: Served | None = None
    """What the stored route sends traffic to, where the status knows of no stable revision."""
    judged: str | None = None
    """The revision that the judgements are about: the candidate, or stable in its probation."""
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    """By gate name, in the order of the spec; empty when none is judged."""
    forecast: tuple[GateForecast, ...] = ()
    """What the gates of a candidate without traffic will be able to detect."""
    without_baseline: Mapping[str, str] = field(default_factory=dict)
    """Gates that read nothing of stable, and what they looked for."""
    source_error: str | None = None
    """Why the metrics could not be read just now."""
    inspected: Inspected | None = None
    """Checks before traffic, or the golden requests after a rollback, once they were made."""
    first_scrape_seen: bool = True
    """Whether every ready pod of the candidate has been scraped, so that its gates have data."""
    explanations: Explanations | None = None
    """`spec.explanations`."""
    last_run: DriftResult | None = None
    """The newest ended run of the nightly job about what serves, if it is not in the status yet."""
    candidate_run: DriftResult | None = None
    """The result of the candidate's own Job, once it ended."""
    cron_job_refusal: str | None = None
    """Why the CronJob could not be written."""
    candidate_job_refusal: str | None = None
    """Why the candidate's own Job could not be written."""

    def workload(self, revision: str) -> Workload:
        """The workload of a revision, an empty one if it has none."""
        return self.workloads.get(revision, Workload(revision))

    def answers_about(self, revision: str, since: datetime) -> tuple[CheckResult, ...]:
        """What a revision answered to the requests of `since`; nothing where others were made."""
        answer = self.inspected
        if answer is None or (answer.revision, answer.since) != (revision, since):
            return ()
        return answer.results

    def judgements_of(self, revision: str) -> Mapping[str, Judgement]:
        """The judgements about a revision; none where another one is judged."""
        return self.judgements if self.judged == revision else {}

    def gates_with(self, verdict: Verdict, revision: str) -> list[tuple[str, Judgement]]:
        """Gates that answered `verdict` about a revision, in the order of the spec."""
        answers = self.judgements_of(revision).items()
        return [(name, judgement) for name, judgement in answers if judgement.verdict is verdict]
