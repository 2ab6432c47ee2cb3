"""A past canary, or a probation, from its flight record."""

from __future__ import annotations

from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.measurements import Measurements
from davylamp.cli.specfile import checked, parsed
from davylamp.gates import ShareChange
from davylamp.manifests.flight_record import Flight, FlightRecord, read_flight_record


def read_record(path: str, text: str) -> tuple[Rollout, Measurements]:
    """Settings and measurements in a ConfigMap, as `kubectl get configmap -o yaml` prints it.

    Raises:
        UsageError: it is not a flight record, is damaged, or has no measurements.
    """
    rollout, measured = _read(path, text)
    if not (measured.channels or measured.answers):
        raise UsageError(f"{path}: the record has no measurements of the pods")
    return rollout, measured


def _read(path: str, text: str) -> tuple[Rollout, Measurements]:
    for item in parsed(path, text):
        if isinstance(item, dict) and item.get("kind") == "ConfigMap":
            try:
                record = read_flight_record(item)
                rollout = _rollout(path, record.spec)
                return rollout, _measurements(record, rollout)
            except ValueError as error:
                raise UsageError(f"{path}: {error}") from error
    raise UsageError(f"{path}: no ConfigMap in this file")


def _measurements(record: FlightRecord, rollout: Rollout) -> Measurements:
    flight = record.flight
    return Measurements(
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


def _weights(flight: Flight) -> tuple[ShareChange, ...]:
    """The recorded shares, from the first traffic on."""
    return tuple(
        ShareChange(change.at.timestamp(), float(change.share)) for change in flight.weights
    )
