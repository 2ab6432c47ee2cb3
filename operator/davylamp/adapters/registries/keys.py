"""Public keys by which images have to be signed: as cosign makes them."""

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def load_key(pem: str) -> PublicKey:
    """A public key in PEM: ECDSA, RSA of 2048 bits or more, or Ed25519; raises ValueError."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is no public key in PEM") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        return key
    raise ValueError("is no ECDSA, Ed25519 or RSA key (of 2048 bits at least)")


def is_signed(message: bytes, signature: bytes, keys: Iterable[PublicKey]) -> bool:
    """Whether one of the keys made a signature of a message."""
    return any(_is_signed_by(key, message, signature) for key in keys)


def _is_signed_by(key: PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(_hash_of(key)))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, message)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _hash_of(key: ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    """The hash that goes with the size of a curve."""
    if key.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if key.key_size <= 384 else hashes.SHA512()
