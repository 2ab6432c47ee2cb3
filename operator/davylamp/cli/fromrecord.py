"""A past canary from the flight record that the operator kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from davylamp.api.gate_status import FeatureShare
from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.cli.errors import UsageError
from davylamp.cli.specfile import checked, parsed
from davylamp.gates import Channel, Scrapes, WeightChange
from davylamp.manifests.flight_record import Flight, FlightRecord, read_flight_record


@dataclass(frozen=True)
class Recorded:
    """What a record says of one canary."""

    rollout: Rollout
    channels: Mapping[Channel, Scrapes]
    weights: tuple[WeightChange, ...]
    scrape_interval: float
    baseline: tuple[FeatureShare, ...]


def recorded(path: str, text: str) -> Recorded:
    """What a ConfigMap holds, as `kubectl get configmap -o yaml` prints it.

    Raises:
        UsageError: it is no record of a canary, or a damaged one.
    """
    record, channels = _read(path, text)
    flight = record.flight
    if flight.phase != "Canary" or Channel.ERRORS not in channels:
        raise UsageError(f"{path}: the record holds no canary's counters of requests and errors")
    return Recorded(
        rollout=_rollout(path, record.spec),
        channels=channels,
        weights=_weights(flight),
        scrape_interval=flight.scrape_interval,
        baseline=flight.baseline,
    )


def _read(path: str, text: str) -> tuple[FlightRecord, Mapping[Channel, Scrapes]]:
    for item in parsed(path, text):
        if isinstance(item, dict) and item.get("kind") == "ConfigMap":
            try:
                record = read_flight_record(item)
                return record, record.scrapes()
            except ValueError as wrong:
                raise UsageError(f"{path}: {wrong}") from wrong
    raise UsageError(f"{path}: there is no ConfigMap in it")


def _rollout(path: str, text: str) -> Rollout:
    """The settings that the canary was judged by."""
    for item in parsed(f"{path}: its spec", text):
        if isinstance(item, dict):
            return checked(ModelDeploymentSpec, item.get("spec"), f"{path}: its spec").rollout
    raise UsageError(f"{path}: the record has no spec")


def _weights(flight: Flight) -> tuple[WeightChange, ...]:
    """The recorded shares, from the canary's first traffic on."""
    return tuple(WeightChange(each.at.timestamp(), float(each.share)) for each in flight.weights)
