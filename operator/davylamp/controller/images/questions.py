"""What is to be asked of which registry now: from the spec and the records. Pure."""

from collections.abc import Iterable, Mapping
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
    KeyRule,
    Unresolved,
    keys_for,
    parse_image,
    parse_reference,
)
from davylamp.manifests import recorded, resolved_digest
from davylamp.manifests.nightly import TRAINING_SUFFIX
from davylamp.manifests.pods import image_reference, images_of
from davylamp.schema.json import JsonObject, section, text

_NOWHERE: Final = ImageReference("", "", "")
_MODEL: Final = f"the container {names.CONTAINER}"


@dataclass(frozen=True, slots=True)
class SignedImage:
    """An image of another container, which a key is demanded for."""

    reference: ImageReference
    digest: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageQuestion:
    """Everything that an answer depends on.

    Attributes:
        namespace: where the pull Secrets are.
        reference: repository and tag.
        secrets: names of pull Secrets.
        digest: what the spec says; then only signatures are asked about.
        keys: one of them must have signed the bytes; None where nobody demands that.
        others: images of other containers that have to be signed as well.
        demanded: whether no pod may run without an answer.
        known: the answer, where nobody has to be asked for it.
    """

    namespace: str
    reference: ImageReference
    secrets: tuple[str, ...] = ()
    digest: str | None = None
    keys: tuple[str, ...] | None = None
    others: tuple[SignedImage, ...] = ()
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
    others, fault = _others(spec, settings) if settings.rules else ((), None)
    if keys is None and not others and fault is None and not _is_resolved(image, settings):
        return None
    return ImageQuestion(
        namespace,
        reference,
        image.pull_secrets if settings.pull_secrets else (),
        image.digest,
        keys,
        others,
        demanded=keys is not None or bool(others or fault) or settings.digests is Digests.REQUIRE,
        known=fault,
    )


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


def fault_of_job(spec: ModelDeploymentSpec, rules: Iterable[KeyRule]) -> str | None:
    """Why no nightly job may run: nobody looks for a signature of an image that is not the model's."""
    if spec.explanations is None:
        return None
    repository = spec.explanations.repository or f"{spec.image.repository}{TRAINING_SUFFIX}"
    tagged = f"{repository}:{spec.image.tag}"
    if repository == spec.image.repository or not is_covered(tagged, rules):
        return None
    return (
        f"spec.explanations.repository: a key is demanded for {repository}, and signatures are looked "
        "at for the model's image alone: name spec.image.repository, or let no rule of "
        "modelImages.keys cover it"
    )


def is_covered(image: str, rules: Iterable[KeyRule]) -> bool:
    """Whether a key is demanded for an image; for a name that cannot be compared, if there is any rule."""
    listed = tuple(rules)
    try:
        reference, _ = parse_image(image)
    except ValueError:
        return bool(listed)
    return keys_for(reference, listed) is not None


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


def _others(
    spec: ModelDeploymentSpec, settings: ImageSettings
) -> tuple[tuple[SignedImage, ...], ImageAnswer | None]:
    """Images of the overlay that need a signature; or what is wrong, as nobody would look at it."""
    signed: list[SignedImage] = []
    for holder, image in images_of(spec):
        if holder == _MODEL and image == image_reference(spec.image):
            continue
        where = f"spec.serving.template gives {holder} an image"
        if holder == _MODEL:
            return (), _refused(
                f"{where} of its own, which no key counts for: name it in spec.image"
            )
        try:
            reference, digest = parse_image(image)
        except ValueError:
            return (), _refused(f"{where} whose name no rule for keys can be compared with")
        keys = keys_for(reference, settings.rules)
        if keys is not None and digest is None:
            return (), _refused(f"{where} that a key is demanded for: name it with its digest")
        if keys is not None and digest is not None:
            signed.append(SignedImage(reference, digest, keys))
    return tuple(signed), None


def _refused(why: str) -> ImageAnswer:
    return Unresolved(ImageFault.BADLY_SIGNED, why)
