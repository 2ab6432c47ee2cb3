"""What is known of images in a pass: what is pinned, what a new tag means, which tags were moved."""

from dataclasses import replace

from davylamp.controller.images.questions import pins_of, question_of, watched_tags
from davylamp.controller.images.resolver import ImageResolver
from davylamp.controller.images.settings import ImageSettings
from davylamp.controller.reconcile.passes import Children, Parent
from davylamp.images import ImageFinding
from davylamp.rollout import Observation


class ImageObserver:
    """Puts into an observation what registries said.

    Args:
        resolver: has their answers; None where nobody is asked.
        settings: what is asked about.
    """

    def __init__(self, resolver: ImageResolver | None, settings: ImageSettings) -> None:
        self._resolver = resolver
        self._settings = settings

    def look(self, parent: Parent, children: Children, observation: Observation) -> Observation:
        """The observation with all that is known of images; what is not known yet is asked for."""
        observation = replace(observation, pins=pins_of(children.records))
        if self._resolver is None:
            return observation
        candidate, stable = parent.status.candidate, parent.status.stable
        revisions = [ref.revision for ref in (candidate, stable) if ref]
        tags = watched_tags(parent.key.namespace, children.records, self._settings, *revisions)
        now = candidate.revision if candidate else None
        return replace(
            observation,
            image=self._finding(parent, observation),
            tags=self._resolver.watch(parent.key, tags, now=now),
        )

    def _finding(self, parent: Parent, observation: Observation) -> ImageFinding | None:
        """What is known of the image of the spec's revision, while that is not recorded."""
        revision = observation.target.revision
        if self._resolver is None or parent.spec is None or revision in observation.recorded:
            return None
        question = question_of(parent.key.namespace, parent.spec, self._settings)
        if question is None:
            return None
        # one that does not begin yet may do so in this very pass, by a command: then it has to wait
        begins = _begins(parent, observation)
        answer = self._resolver.answer(parent.key, revision, question) if begins else None
        return ImageFinding(revision, question.reference.host, question.demanded, answer)


def _begins(parent: Parent, observation: Observation) -> bool:
    """Whether the spec's revision, which has no record, is about to get one, or waits for that."""
    revision, status = observation.target.revision, parent.status
    if status.candidate and status.candidate.revision == revision:
        return True
    rejected = any(rejected.revision == revision for rejected in status.rejected)
    return not (rejected or observation.paused)
