"""What the spec says about a model, and what the manifest of its image therefore has to say."""

from dataclasses import dataclass

from davylamp.schema.json import JsonObject, field, text


@dataclass(frozen=True, slots=True)
class Expected:
    """Which model a revision is, according to the intent it was rendered from."""

    tag: str
    snapshot: str
    seed: int
    sha256: str | None = None
    """Content hash of the snapshot, where the spec has one."""


def expected_of(intent: JsonObject) -> Expected:
    """What the recorded intent of a revision asks for.

    Raises:
        ValueError: tag, snapshot or seed is missing, which is so in no record of ours.
    """
    tag, snapshot = field(intent, "image", "tag"), field(intent, "featureSnapshot", "id")
    seed = field(intent, "seed")
    if not isinstance(tag, str) or not isinstance(snapshot, str) or not isinstance(seed, int):
        raise ValueError("the recorded intent names no tag, snapshot and seed")  # noqa: TRY004
    return Expected(tag, snapshot, seed, text(intent, "featureSnapshot", "sha256") or None)
