"""Registries as the operator asks them, without any HTTP: tags that tests push, move and take away."""

from collections.abc import Iterable, Sequence

from davylamp.images import (
    ImageAnswer,
    ImageFault,
    ImageReference,
    Resolved,
    Unresolved,
)


def digest_of(number: int) -> str:
    """A digest that is easy to tell from others."""
    return f"sha256:{number:064x}"


class FakeRegistries:
    """Knows every tag that was pushed, of whatever repository."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.signed: set[str] = set()
        self.down = False
        self.asked: list[tuple[str, str | None, tuple[str, ...]]] = []
        """Tag, digest of the spec, and names of pull Secrets, of every question."""

    async def resolve(
        self,
        reference: ImageReference,
        *,
        secrets: Iterable[dict] = (),
        digest: str | None = None,
        keys: Sequence[str] | None = None,
    ) -> ImageAnswer:
        names = tuple(secret["metadata"]["name"] for secret in secrets)
        self.asked.append((reference.tag, digest, names))
        if self.down:
            return Unresolved(ImageFault.UNREACHABLE, "registry registry.example cannot be reached")
        resolved = digest or self.tags.get(reference.tag)
        if resolved is None:
            return Unresolved(ImageFault.NOT_FOUND, f"there is no tag {reference.tag}")
        if keys is not None and resolved not in self.signed:
            return Unresolved(ImageFault.UNSIGNED, f"there is no signature of {resolved}")
        return Resolved(resolved)
