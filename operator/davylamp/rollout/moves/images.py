"""Moves about images: a tag is resolved once, before the record; later it is only watched.

What is pinned is in the record, which nothing changes; so these moves only tell.
"""

from davylamp.api.names import Reason
from davylamp.api.status import RevisionRef
from davylamp.api.status_parts import ImageNote
from davylamp.images import Resolved
from davylamp.rollout.holds.images import unrecorded_image
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import merge_patch, named


def image_pinned(situation: Situation) -> Situation | None:
    """The registry said which bytes the candidate's tag means: these go into its record."""
    candidate = situation.status.candidate
    image = unrecorded_image(situation, candidate) if candidate else None
    if (
        candidate is None
        or image is None
        or image.holds
        or image.digest in {None, candidate.digest}
    ):
        return None
    message = (
        f"{named(candidate, situation.status.stable)} is pinned to {image.digest}, to which "
        f"{image.host} resolved its tag"
    )
    return situation.with_candidate(digest=image.digest).with_notice(
        Notice(Reason.IMAGE_PINNED, message, candidate.revision)
    )


def image_not_pinned(situation: Situation) -> Situation | None:
    """The registry could not be asked, and nobody demands that: the candidate goes on by its tag."""
    candidate = situation.status.candidate
    image = unrecorded_image(situation, candidate) if candidate else None
    if candidate is None or image is None or image.holds or image.fault is None:
        return None
    message = (
        f"{named(candidate, situation.status.stable)} goes on by its tag, which is not pinned to a "
        f"digest: {image.fault.message}. To pin it by hand: set spec.image.digest"
    )
    return _noted(situation, candidate, Reason.IMAGE_NOT_PINNED, message)


def tag_moved(situation: Situation) -> Situation | None:
    """The tag of a pinned revision points elsewhere now, or back again to what is pinned."""
    status, observation = situation.status, situation.observation
    for ref in (status.candidate, status.stable):
        pinned = observation.pins.get(ref.revision) if ref else None
        answer = observation.tags.get(ref.revision) if ref else None
        if ref is None or pinned is None or not isinstance(answer, Resolved):
            continue
        moved = _back(situation, ref)
        if answer.digest != pinned:
            moved = _moved(situation, ref, pinned, answer.digest)
        if moved is not None:
            return moved
    return None


def _moved(situation: Situation, ref: RevisionRef, pinned: str, now: str) -> Situation | None:
    fix = merge_patch(situation.name, situation.namespace, {"spec": {"image": {"digest": now}}})
    message = (
        f"tag {ref.tag} points to {now} now; revision {ref.revision} goes on with {pinned}, to which "
        f"the tag was resolved when it was new, also when it is tried again or returned to. To roll "
        f"out what the tag means now, use a tag of its own, or name the digest: {fix}"
    )
    return _noted(situation, ref, Reason.TAG_MOVED, message, digest=now)


def _back(situation: Situation, ref: RevisionRef) -> Situation | None:
    """The tag points to what is pinned: an earlier note that it was moved is over."""
    kept = tuple(
        note
        for note in situation.status.images
        if note.revision != ref.revision or note.reason != Reason.TAG_MOVED
    )
    return None if kept == situation.status.images else situation.remember(images=kept)


def _noted(
    situation: Situation,
    ref: RevisionRef,
    reason: Reason,
    message: str,
    *,
    digest: str | None = None,
) -> Situation | None:
    """The note about a revision's image, told once; None where it is known already."""
    known = next((n for n in situation.status.images if n.revision == ref.revision), None)
    if known and (known.reason, known.digest) == (reason, digest):
        return None
    note = ImageNote(revision=ref.revision, reason=reason, message=message, digest=digest)
    others = (n for n in situation.status.images if n.revision != ref.revision)
    return situation.remember(images=(note, *others)[:4]).with_notice(
        Notice(reason, message, ref.revision, "Warning")
    )
