"""Signs images as cosign does: classic signatures, and bundles (docs/decisions/0040)."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob(content: bytes, media_type: str, **more: Any) -> Json:
    """What a manifest says of a blob."""
    described = {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
    return {**described, **more}


def image(config: bytes = b"{}", layers: list[Json] | None = None, **more: Any) -> bytes:
    """The manifest of an image."""
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob(config, CONFIG)}
    return json.dumps({**manifest, "layers": layers or [], **more}).encode()


def pem_of(key: Any) -> str:
    """The public half of a key."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(key: Any, message: bytes) -> str:
    """A signature in base64."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = key.curve.key_size
        hashed = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[size]
        signature = key.sign(message, ec.ECDSA(hashed))
    elif isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        signature = key.sign(message)
    return base64.b64encode(signature).decode()


def payload(digest: str, kind: str = "cosign container image signature") -> bytes:
    """The text that a classic signature signs."""
    identity = {"docker-reference": "registry.example/other/name"}
    critical = {
        "identity": identity,
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def classic(key: Any, digest: str, *, of: str | None = None) -> tuple[bytes, bytes]:
    """Manifest and payload of a classic signature; `of` is what it says that it signs."""
    text = payload(of or digest)
    annotations = {"dev.cosignproject.cosign/signature": signed(key, text)}
    return image(layers=[blob(text, SIMPLE, annotations=annotations)]), text


def bundle(
    key: Any,
    digest: str,
    *,
    predicate: str = "https://sigstore.dev/cosign/sign/v1",
    kind: str = "application/vnd.in-toto+json",
) -> bytes:
    """A bundle with a signed statement about an image."""
    subject = [{"digest": {"sha256": digest.removeprefix("sha256:")}}]
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": predicate,
        "predicate": {},
    }
    text = json.dumps(statement).encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(text), text)
    envelope = {
        "payload": base64.b64encode(text).decode(),
        "payloadType": kind,
        "signatures": [{"sig": signed(key, message)}],
    }
    material = {"publicKey": {"hint": "any"}}
    document = {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    return json.dumps(document).encode()


def referrer(content: bytes, digest: str) -> bytes:
    """The manifest that says that a bundle belongs to an image."""
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1}
    return image(layers=[blob(content, BUNDLE)], artifactType=BUNDLE, subject=subject)


def index(*manifests: bytes) -> bytes:
    """A list of bundles."""
    listed = [blob(manifest, OCI_MANIFEST, artifactType=BUNDLE) for manifest in manifests]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}).encode()
