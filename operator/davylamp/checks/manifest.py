"""Manifest: the image says that it is the model which the spec names."""

from davylamp.checks.expected import Expected
from davylamp.checks.reading import BrokenError, mapping, member, quoted, word
from davylamp.checks.replies import NOT_FOUND, Answered, Declined, Reply, without_answer
from davylamp.checks.results import CheckReason, Found, failed, passed
from davylamp.schema.json import Json, JsonObject

FORMAT = "davylamp.dev/manifest/v1"
HELP = "see docs/model-server.md, or set spec.rollout.checks: []"


def document_of(reply: Reply) -> JsonObject | Found:
    """The manifest, or what it means for every check that there is none."""
    if isinstance(reply, Declined) and reply.code == NOT_FOUND:
        message = f"the image offers no manifest ({reply.problem}): {HELP}"
        return failed(CheckReason.NO_MANIFEST, message)
    if not isinstance(reply, Answered):
        return without_answer(reply)
    document = reply.document
    if not isinstance(document, dict):
        return failed(CheckReason.MANIFEST_INVALID, f"the manifest is no object: {HELP}")
    said = document.get("format")
    if said != FORMAT:
        message = f"format: the manifest says {quoted(said)}, known is {FORMAT}: {HELP}"
        return failed(CheckReason.MANIFEST_INVALID, message)
    return document


def judge_manifest(document: JsonObject, expected: Expected) -> Found:
    """Whether tag, snapshot and seed are those of the spec; every difference is named."""
    try:
        word(member(document, "model", path=""), "model")
        differences = _differences(document, expected)
    except BrokenError as broken:
        return failed(CheckReason.MANIFEST_INVALID, f"manifest: {broken}")
    if differences:
        return failed(CheckReason.MANIFEST_DIFFERS, "; ".join(differences))
    hashed = f" with sha256 {expected.sha256[:12]}…" if expected.sha256 else ""
    return passed(
        CheckReason.MANIFEST_MATCHES,
        f"the image says tag {expected.tag}, snapshot {expected.snapshot}{hashed} and seed "
        f"{expected.seed}, as the spec does",
    )


def _differences(document: JsonObject, expected: Expected) -> list[str]:
    image = mapping(member(document, "image", path=""), "image")
    snapshot = mapping(member(document, "featureSnapshot", path=""), "featureSnapshot")
    claims: list[tuple[str, Json, Json]] = [
        ("image.tag", member(image, "tag", path="image"), expected.tag),
        ("featureSnapshot.id", member(snapshot, "id", path="featureSnapshot"), expected.snapshot),
        ("seed", member(document, "seed", path=""), expected.seed),
    ]
    if expected.sha256:
        claims.append(("featureSnapshot.sha256", snapshot.get("sha256"), expected.sha256))
    return [
        f"{path}: the image says {quoted(said)}, the spec says {quoted(wanted)}"
        for path, said, wanted in claims
        if isinstance(said, bool) or said != wanted
    ]
