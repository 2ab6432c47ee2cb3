"""What a signature says, once its key was found to be right: about which bytes. Pure.

Sources: cosign's SIGNATURE_SPEC.md and BUNDLE_SPEC.md; the DSSE protocol; in-toto's statement.
"""

from typing import Final

from davylamp.schema.json import JsonObject, entries, text

SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE_ANNOTATION: Final = "dev.sigstore.bundle.predicateType"
"""In which cosign says, in the list of referrers, what a bundle is."""
PREDICATE: Final = "https://sigstore.dev/cosign/sign/v1"
_PAYLOAD: Final = "application/vnd.in-toto+json"
_TYPES: Final = frozenset(
    {"cosign container image signature", "https://sigstore.dev/cosign/sign/v1"}
)


def is_simple_signing_of(payload: JsonObject, digest: str) -> bool:
    """Whether a signed payload of the classic kind is about these bytes.

    The name of the image in it is not looked at: bytes that were signed stay signed under any name.
    """
    kind = text(payload, "critical", "type")
    return kind in _TYPES and text(payload, "critical", "image", "docker-manifest-digest") == digest


def is_statement_of(statement: JsonObject, digest: str) -> bool:
    """Whether a signed statement is a signature of these bytes, and no attestation of something else."""
    hexadecimal = digest.removeprefix("sha256:")
    subjects = (text(subject, "digest", "sha256") for subject in entries(statement, "subject"))
    return text(statement, "predicateType") == PREDICATE and hexadecimal in subjects


def signed_text(payload: bytes) -> bytes:
    """What is signed of a statement in an envelope: DSSE's pre-authentication encoding."""
    kind = _PAYLOAD.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def has_statement(envelope: JsonObject) -> bool:
    """Whether an envelope holds a statement."""
    return text(envelope, "payloadType") == _PAYLOAD
