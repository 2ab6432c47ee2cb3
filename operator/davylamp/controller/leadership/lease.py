"""The content of the Lease object: reads and writes its manifest, purely."""

from dataclasses import dataclass
from datetime import UTC, datetime

from davylamp.adapters.kubernetes.ports import Manifest
from davylamp.schema.json import JsonObject, section

FREE = ""
"""Holder of a Lease that was released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Which Lease, who we are, and how long a holder may stay silent.

    Everything else follows from `duration` (seconds): a leader renews every third of it, gives up
    two thirds after its last renewal, and others take over after the whole. The last third is the
    margin in which a request under way reaches its own time-out.
    """

    name: str
    namespace: str
    identity: str
    duration: float = 15.0

    @property
    def renew_every(self) -> float:
        """Seconds between renewals while they succeed."""
        return self.duration / 3

    @property
    def retry_every(self) -> float:
        """Seconds between attempts: of a leader whose renewal failed, and of a standby."""
        return self.duration / 10

    @property
    def valid_for(self) -> float:
        """Seconds a leader leads after it began to write its last successful renewal."""
        return self.duration * 2 / 3

    @property
    def request_timeout(self) -> float:
        """Seconds for one attempt; leaves time for a second one before `valid_for` is over."""
        return self.duration / 6


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Fields of a Lease. Its times are the holder's: compared for change, never with a clock."""

    holder: str
    renewed: str
    transitions: int
    duration: float


def read_record(lease: Manifest, *, duration: float) -> LeaseRecord:
    """LeaseRecord of a Lease; missing or invalid fields count as free, with `duration` as its duration."""
    spec = _spec(lease)
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    transitions, seconds = spec.get("leaseTransitions"), spec.get("leaseDurationSeconds")
    return LeaseRecord(
        holder=holder if isinstance(holder, str) else FREE,
        renewed=renewed if isinstance(renewed, str) else "",
        transitions=transitions if isinstance(transitions, int) else 0,
        duration=seconds if isinstance(seconds, int) and seconds > 0 else duration,
    )


def new_lease(settings: LeaseSettings, *, holder: str) -> Manifest:
    """A Lease that nobody has held before."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": settings.name, "namespace": settings.namespace},
        "spec": _held(settings, holder=holder, transitions=0, acquired=_now()),
    }


def held_lease(lease: Manifest, settings: LeaseSettings, *, holder: str) -> Manifest:
    """The Lease as `holder` renews it or takes it over."""
    record = read_record(lease, duration=settings.duration)
    acquired = _spec(lease).get("acquireTime")
    same = record.holder == holder and isinstance(acquired, str)
    spec = _held(
        settings,
        holder=holder,
        transitions=record.transitions + (record.holder != holder),
        acquired=str(acquired) if same else _now(),
    )
    return _identified(lease) | {"spec": spec}


def released_lease(lease: Manifest) -> Manifest:
    """The Lease as its holder frees it for others to take at once."""
    return _identified(lease) | {"spec": _spec(lease) | {"holderIdentity": FREE}}


def _held(settings: LeaseSettings, *, holder: str, transitions: int, acquired: str) -> JsonObject:
    return {
        "holderIdentity": holder,
        "leaseDurationSeconds": max(1, round(settings.duration)),
        "acquireTime": acquired,
        "renewTime": _now(),
        "leaseTransitions": transitions,
    }


def _identified(lease: Manifest) -> Manifest:
    """The Lease with labels and annotations as they are, and the version it was read at."""
    kept = ("name", "namespace", "labels", "annotations", "ownerReferences", "resourceVersion")
    metadata = section(lease, "metadata")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
    }


def _spec(lease: Manifest) -> JsonObject:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
