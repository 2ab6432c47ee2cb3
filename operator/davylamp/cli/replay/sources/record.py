"""A past canary, or a probation, from the flight record that the operator kept of it."""

from __future__ import annotations

from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.input import Seen
from davylamp.cli.specfile import checked, parsed
from davylamp.gates import WeightChange
from davylamp.manifests.flight_record import Flight, FlightRecord, read_flight_record


def recorded(path: str, text: str) -> tuple[Rollout, Seen]:
    """What a ConfigMap holds, as `kubectl get configmap -o yaml` prints it.

    Raises:
        UsageError: it is no record, a damaged one, or nothing was read.
    """
    rollout, seen = _read(path, text)
    if not (seen.channels or seen.answers):
        raise UsageError(f"{path}: the record holds nothing that was read of the pods")
    return rollout, seen


def _read(path: str, text: str) -> tuple[Rollout, Seen]:
    for item in parsed(path, text):
        if isinstance(item, dict) and item.get("kind") == "ConfigMap":
            try:
                record = read_flight_record(item)
                rollout = _rollout(path, record.spec)
                return rollout, _seen(record, rollout)
            except ValueError as wrong:
                raise UsageError(f"{path}: {wrong}") from wrong
    raise UsageError(f"{path}: there is no ConfigMap in it")


def _seen(record: FlightRecord, rollout: Rollout) -> Seen:
    flight = record.flight
    return Seen(
        channels=record.scrapes(),
        answers=record.answers(),
        asked={gate.name: query for gate in rollout.gates if (query := gate.user_query)},
        weights=_weights(flight),
        scrape_interval=flight.scrape_interval,
        baseline=flight.baseline,
        rates=flight.rates if flight.phase == "Probation" else None,
        lacks=flight.left_out,
    )


def _rollout(path: str, text: str) -> Rollout:
    """The settings that the canary was judged by."""
    for item in parsed(f"{path}: its spec", text):
        if isinstance(item, dict):
            return checked(ModelDeploymentSpec, item.get("spec"), f"{path}: its spec").rollout
    raise UsageError(f"{path}: the record has no spec")


def _weights(flight: Flight) -> tuple[WeightChange, ...]:
    """The recorded shares, from the first traffic on."""
    return tuple(WeightChange(each.at.timestamp(), float(each.share)) for each in flight.weights)
