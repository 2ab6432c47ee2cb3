"""Loading the engine's images into the node."""

from collections.abc import Mapping, Sequence

from localcluster import registry, shell
from localcluster.errors import SetupError
from localcluster.names import CLUSTER, NODE
from localcluster.progress import Progress

_CTR = ("docker", "exec", NODE, "ctr", "--namespace=k8s.io")


def full_name(image: str) -> str:
    """The name containerd knows an image by: with registry and tag."""
    head, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif "." not in head and ":" not in head and head != "localhost":
        image = f"docker.io/{image}"
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"


def parse_listing(listing: str) -> dict[str, str]:
    """Digest by reference, from what ``ctr images ls`` prints."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {row[0]: row[2] for row in rows if len(row) > 2}


def is_loaded(image: str, *, image_id: str, digests: Mapping[str, str]) -> bool:
    """Whether the node's image of that name is the engine's one.

    The node lists an image under its name and under its id (``sha256:...``), with the same digest.
    """
    digest = digests.get(full_name(image))
    return digest is not None and digest in {digests.get(image_id), image_id}


def rename(image: str, name: str) -> None:
    """Give an image that is in the node one more name, as if it had been pulled by it."""
    names = [full_name(image), full_name(name)]
    shell.run([*_CTR, "images", "tag", "--force", *names], log="kind")


def forget(name: str) -> None:
    """Take a name of an image away from the node; a pod that runs it goes on."""
    shell.run([*_CTR, "images", "rm", full_name(name)], log="kind")


def load(images: Sequence[str], *, progress: Progress) -> None:
    """Load images into the node, except those that are there already.

    Raises:
        SetupError: the engine has no such image, or there is no cluster.
    """
    listing = shell.output([*_CTR, "images", "ls"])
    if listing is None:
        raise SetupError(f"the cluster {CLUSTER} does not run", hint="Start it: make cluster")
    digests = parse_listing(listing)
    missing = [image for image in images if not _is_there(image, digests)]
    if missing:
        # All at once: what they share is carried over once.
        with progress.step(f"loading {_named(missing)} into the node"):
            shell.run(["kind", "load", "docker-image", *missing, "--name", CLUSTER], log="kind")


def _is_there(image: str, digests: Mapping[str, str]) -> bool:
    image_id = registry.image_id(image)
    if image_id is None:
        raise SetupError(f"the engine has no image {image}")
    return is_loaded(image, image_id=image_id, digests=digests)


def _named(images: Sequence[str]) -> str:
    return images[0] if len(images) == 1 else f"{len(images)} images"
