"""Where the runs happen: a namespace, a stable model, steady traffic, and a watch of its Service."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.rollout import identify
from lab import models
from lab.kubectl import Object, apply, namespace
from lab.traffic import Traffic
from lab.watch import Watch

NAME: Final = "model"
RATE: Final = 100.0
"""Requests per second, each on a new connection."""
REPLICAS: Final = 4
START_SECONDS: Final = 180.0


@dataclass(frozen=True)
class Stage:
    """A stable model under traffic. Both releases are good ones; faults come by configuration."""

    namespace: str
    tags: Mapping[str, str]
    traffic: Traffic
    service: Watch
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def canary(
        self,
        config: Mapping[str, str] | None = None,
        *,
        steps: Sequence[Mapping[str, Any]] | None = None,
        rollout: Mapping[str, Any] | None = None,
    ) -> str:
        """Apply the other release, as a new revision every time; the revision."""
        config = {**(config or {}), "RUN": str(next(self.numbers))}
        manifest = manifest_of(self.namespace, self.tags["v3"], config, steps, rollout)
        apply(manifest)
        return identify(ModelDeploymentSpec.model_validate(manifest["spec"]), {}).revision

    def status(self) -> Object:
        """Its status."""
        return models.status(NAME, self.namespace)

    def wait_rejected(self, revision: str, timeout: float) -> Object:
        """The rejection of a revision."""
        md = models.wait_status(
            NAME,
            self.namespace,
            lambda status: rejection(status, revision) is not None,
            timeout=timeout,
            what=f"{revision} to be rolled back",
        )
        return rejection(md["status"], revision) or {}


@contextlib.contextmanager
def stage(
    name: str, tags: Mapping[str, str], config: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """A fresh namespace with v1 (and `config`) stable in it, under traffic.

    Args:
        name: the namespace.
        tags: image tags of the sample model by release.
        config: environment of the stable revision.
    """
    with namespace(name):
        apply(manifest_of(name, tags["v1"], dict(config or {})))
        models.wait_stable(NAME, name, tags["v1"], START_SECONDS)
        with (
            Watch("service", NAME, name) as service,
            Traffic(name, NAME, rate=RATE, missing=0, image_tag=tags["v1"]) as traffic,
        ):
            traffic.wait_for(round(5 * RATE))
            yield Stage(name, tags, traffic, service)


def manifest_of(
    namespace: str,
    tag: str,
    config: Mapping[str, str],
    steps: Sequence[Mapping[str, Any]] | None = None,
    rollout: Mapping[str, Any] | None = None,
) -> Object:
    """A ModelDeployment; rollout settings that are left out have their defaults."""
    return models.model(
        NAME, namespace, tag, replicas=REPLICAS, config=config, steps=steps, rollout=rollout
    )


def rejection(status: Object, revision: str) -> Object | None:
    """Why a revision was rolled back."""
    return next((r for r in status.get("rejected", []) if r["revision"] == revision), None)
