"""What is to be asked of which registry now: from the spec and the records. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.api import names
from davylamp.api.serving import Image
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.controller.images.settings import Digests, ImageSettings
from davylamp.images import (
    ImageAnswer,
    ImageFault,
    ImageReference,
    Unresolved,
    keys_for,
    parse_reference,
)
from davylamp.manifests import recorded, resolved_digest
from davylamp.schema.json import JsonObject, entries, section, text

_NOWHERE: Final = ImageReference("", "", "")


@dataclass(frozen=True, slots=True)
class ImageQuestion:
    """Everything that an answer depends on.

    Attributes:
        namespace: where the pull Secrets are.
        reference: repository and tag.
        secrets: names of pull Secrets.
        digest: what the spec says; then only signatures are asked about.
        keys: one of them must have signed the bytes; None where nobody demands that.
        demanded: whether no pod may run without an answer.
        known: the answer, where nobody has to be asked for it.
    """

    namespace: str
    reference: ImageReference
    secrets: tuple[str, ...] = ()
    digest: str | None = None
    keys: tuple[str, ...] | None = None
    demanded: bool = False
    known: ImageAnswer | None = None


def question_of(
    namespace: str, spec: ModelDeploymentSpec, settings: ImageSettings
) -> ImageQuestion | None:
    """What has to be known of a spec's image before it is recorded; None where nothing has."""
    image = spec.image
    try:
        reference = parse_reference(image.repository, image.tag)
    except ValueError as error:
        return _unreadable(namespace, str(error), settings)
    keys = keys_for(reference, settings.rules)
    if keys is None and not _is_resolved(image, settings):
        return None
    demanded = keys is not None or settings.digests is Digests.REQUIRE
    secrets = image.pull_secrets if settings.pull_secrets else ()
    other = _other_image(spec) if settings.rules else None
    return ImageQuestion(namespace, reference, secrets, image.digest, keys, demanded, other)


def watched_tags(
    namespace: str, records: Mapping[str, JsonObject], settings: ImageSettings, *revisions: str
) -> dict[str, ImageQuestion]:
    """Tags of pinned revisions, by revision: they may be moved."""
    questions: dict[str, ImageQuestion] = {}
    for revision in revisions:
        record = records.get(revision)
        if record is None or settings.digests is Digests.OFF or resolved_digest(record) is None:
            continue
        image = section(recorded(record, "intent"), "image")
        try:
            reference = parse_reference(text(image, "repository"), text(image, "tag"))
        except ValueError:
            continue
        pull = image.get("pullSecrets")
        listed = pull if isinstance(pull, list) and settings.pull_secrets else []
        secrets = tuple(name for name in listed if isinstance(name, str))
        questions[revision] = ImageQuestion(namespace, reference, secrets)
    return questions


def pins_of(records: Mapping[str, JsonObject]) -> dict[str, str]:
    """What the tags of recorded revisions were resolved to."""
    digests = {revision: resolved_digest(record) for revision, record in records.items()}
    return {revision: digest for revision, digest in digests.items() if digest}


def _is_resolved(image: Image, settings: ImageSettings) -> bool:
    """Whether the tag is resolved: not where users did so, nor where only a node has the image."""
    return not (image.digest or image.pull_policy == "Never" or settings.digests is Digests.OFF)


def _unreadable(namespace: str, why: str, settings: ImageSettings) -> ImageQuestion | None:
    """No registry can be asked about such a name; nor can it be compared with the rules for keys."""
    demanded = bool(settings.rules) or settings.digests is Digests.REQUIRE
    if not demanded and settings.digests is Digests.OFF:
        return None
    answer = Unresolved(ImageFault.BAD_ANSWER, f"spec.image: {why}")
    return ImageQuestion(namespace, _NOWHERE, demanded=demanded, known=answer)


def _other_image(spec: ModelDeploymentSpec) -> ImageAnswer | None:
    """An overlay may give the model another image, which nobody would have looked at."""
    containers = entries(spec.serving.template, "spec", "containers")
    if not any(text(c, "name") == names.CONTAINER and "image" in c for c in containers):
        return None
    return Unresolved(
        ImageFault.BADLY_SIGNED,
        "spec.serving.template gives the container model another image than spec.image, of which no "
        "signature is looked at: name it in spec.image",
    )
