"""Manifest: the image says that it is the model that the spec names."""

from davylamp.api.spec import MAX_SEED
from davylamp.checks.expected import Expected
from davylamp.checks.reading import MalformedError, mapping, required, word
from davylamp.checks.replies import NOT_FOUND, Answered, Declined, Reply, without_answer
from davylamp.checks.results import CheckReason, Finding, failed, passed
from davylamp.schema.json import Json, JsonObject

FORMAT = "davylamp.dev/manifest/v1"
HELP = "see docs/model-server.md, or set spec.rollout.checks: []"


def document_of(reply: Reply) -> JsonObject | Finding:
    """The manifest, or the finding of every check when there is none."""
    if isinstance(reply, Declined) and reply.code == NOT_FOUND:
        message = f"the image offers no manifest ({reply.problem}): {HELP}"
        return failed(CheckReason.NO_MANIFEST, message)
    if not isinstance(reply, Answered):
        return without_answer(reply)
    document = reply.document
    if not isinstance(document, dict):
        return failed(CheckReason.MANIFEST_INVALID, f"the manifest is not an object: {HELP}")
    if document.get("format") != FORMAT:
        message = f"the manifest is not of the format {FORMAT}: {HELP}"
        return failed(CheckReason.MANIFEST_INVALID, message)
    return document


def judge_manifest(document: JsonObject, expected: Expected) -> Finding:
    """Whether tag, snapshot and seed are those of the spec; every difference is named.

    What the image says instead is told where it is a number: it may say anything.
    """
    try:
        word(required(document, "model", path=""), "model")
        differences = _differences(document, expected)
    except MalformedError as malformed:
        return failed(CheckReason.MANIFEST_INVALID, f"manifest: {malformed}")
    if differences:
        return failed(CheckReason.MANIFEST_DIFFERS, "; ".join(differences))
    hashed = f" with sha256 {expected.sha256[:12]}…" if expected.sha256 else ""
    return passed(
        CheckReason.MANIFEST_MATCHES,
        f"image and spec agree on tag {expected.tag}, snapshot {expected.snapshot}{hashed} and "
        f"seed {expected.seed}",
    )


def _differences(document: JsonObject, expected: Expected) -> list[str]:
    image = mapping(required(document, "image", path=""), "image")
    snapshot = mapping(required(document, "featureSnapshot", path=""), "featureSnapshot")
    claims: list[tuple[str, Json, Json]] = [
        ("image.tag", required(image, "tag", path="image"), expected.tag),
        ("featureSnapshot.id", required(snapshot, "id", path="featureSnapshot"), expected.snapshot),
        ("seed", required(document, "seed", path=""), expected.seed),
    ]
    if expected.sha256:
        claims.append(("featureSnapshot.sha256", snapshot.get("sha256"), expected.sha256))
    return [
        _difference(path, claimed, wanted)
        for path, claimed, wanted in claims
        if isinstance(claimed, bool) or claimed != wanted
    ]


def _difference(path: str, claimed: Json, wanted: Json) -> str:
    is_flag = isinstance(claimed, bool)
    if not is_flag and isinstance(claimed, int) and isinstance(wanted, int):
        shown = claimed if 0 <= claimed <= MAX_SEED else "no seed"
        return f"the manifest's {path} is {shown}, the spec says {wanted}"
    return f"the manifest's {path} differs from the spec, which says {wanted}"
