"""What the spec says about a model, and what its image therefore has to say about itself."""

from dataclasses import dataclass

from davylamp.schema.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Expected:
    """Which model a revision is, by the intent it was made from."""

    tag: str
    snapshot: str
    seed: int
    sha256: str | None = None
    """Content hash of the snapshot, where the spec has one."""


def expected_of(intent: JsonObject) -> Expected:
    """What the recorded intent of a revision asks for.

    Raises:
        ValueError: the intent is none, which no record of ours holds.
    """
    snapshot = intent.get("featureSnapshot")
    sha256 = _get(snapshot, "sha256")
    tag, name, seed = _get(intent.get("image"), "tag"), _get(snapshot, "id"), intent.get("seed")
    if not isinstance(tag, str) or not isinstance(name, str) or not isinstance(seed, int):
        raise ValueError("the recorded intent names no tag, snapshot and seed")  # noqa: TRY004
    return Expected(tag, name, seed, sha256 if isinstance(sha256, str) else None)


def _get(node: Json, key: str) -> Json:
    return node.get(key) if isinstance(node, dict) else None
