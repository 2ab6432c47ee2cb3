"""How pods are taken out of traffic where the Service that lets them in cannot be written. Pure.

Each way asks for another resource or another verb, so that what refuses one (a webhook, a policy, a
role) may let the next one pass. All stop pods gracefully: they leave the endpoints first.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from davylamp.api.identity import Owner
from davylamp.api.names import NO_REVISION
from davylamp.controller.cluster.pods import Pod
from davylamp.controller.cluster.stored import StoredChildren, identity_of
from davylamp.controller.cluster.writes import (
    Delete,
    Fence,
    Scale,
    SecondWay,
    WriteStep,
    apply,
    delete,
)
from davylamp.manifests import deployment_of
from davylamp.rollout import Workload
from davylamp.schema.json import JsonObject

_NO_WAY: Final = "no other pod would answer in its place, so it keeps its traffic until the Service can be written"


@dataclass(frozen=True, slots=True)
class Fencing:
    """What a fence is planned on.

    Attributes:
        owner: whose Services and pods.
        records: by revision.
        workloads: by revision.
        pods: of all revisions.
        stored: all children.
        wanted: pods by revision, as they shall be at the end of the pass.
    """

    owner: Owner
    records: Mapping[str, JsonObject]
    workloads: Mapping[str, Workload]
    pods: tuple[Pod, ...]
    stored: StoredChildren
    wanted: Mapping[str, int]

    def fence(
        self,
        service: JsonObject,
        *,
        out: AbstractSet[str],
        kept: AbstractSet[str],
        opens: bool,
    ) -> Fence:
        """The write of a Service that shuts revisions out, with the ways to go if it is refused.

        Only pods that the same pass would stop at its end are stopped early, and only where ready
        pods of another revision answer behind that Service: bad answers are better than none.

        Args:
            service: as it shall be.
            out: revisions that it lets in and must not.
            kept: those that it lets in and may.
            opens: whether it also lets in for the first time what serves.
        """
        stops = sorted(revision for revision in out if self._is_to_stop(revision))
        others_answer = any(r in self.workloads and self.workloads[r].ready for r in kept)
        ways = tuple(self._ways(stops)) if stops and others_answer else ()
        return Fence(
            WriteStep.FENCE,
            *identity_of(service),
            service,
            shuts_out=tuple(sorted(out - {NO_REVISION})),
            stops=tuple(stops),
            ways=ways,
            no_way=_NO_WAY if stops and not ways else "",
            opens=opens,
        )

    def _is_to_stop(self, revision: str) -> bool:
        workload = self.workloads.get(revision)
        if workload is None or self.wanted.get(revision, 0):
            return False
        return bool(workload.desired or workload.ready)

    def _ways(self, revisions: list[str]) -> Iterator[SecondWay]:
        names = [self.owner.child(revision) for revision in revisions]
        items = [self.stored.get("Deployment", name) for name in names]
        deployments = [item for item in items if item is not None]
        what = f"Deployment {', '.join(names)}"
        if len(deployments) == len(names):
            yield from self._by_deployment(what, revisions, deployments)
        done = f"ready pods of {what} are deleted instead, as often as they come back"
        yield SecondWay(done, tuple(self._pods_deleted(revisions)))

    def _by_deployment(
        self, what: str, revisions: list[str], deployments: list[JsonObject]
    ) -> Iterator[SecondWay]:
        records = [self.records[revision] for revision in revisions if revision in self.records]
        if len(records) == len(revisions):
            empty = [deployment_of(self.owner, made, 0) for made in records]
            scaled = tuple(apply(WriteStep.FENCE, deployment) for deployment in empty)
            yield SecondWay(f"{what} was scaled to 0 instead", scaled)
        yield SecondWay(
            f"{what} was scaled to 0 instead, through its subresource scale",
            tuple(Scale(WriteStep.FENCE, *identity_of(item), item) for item in deployments),
        )
        yield SecondWay(
            f"{what} was deleted instead; it is made again from its record when it is needed",
            tuple(delete(WriteStep.FENCE, item) for item in deployments),
        )

    def _pods_deleted(self, revisions: list[str]) -> Iterator[Delete]:
        """Pods that get traffic; the others get none, and would only come back sooner."""
        for pod in self.pods:
            if pod.revision in revisions and pod.state.ready and not pod.state.terminating:
                yield delete(WriteStep.FENCE, pod.manifest)
