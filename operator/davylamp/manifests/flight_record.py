"""The flight record of a rollout: a ConfigMap with what its gates saw, for `davylamp replay`.

It holds numbers, names and the rollout settings: nothing of the model's environment and no Secret.
It does not carry the label by which the operator's own objects are watched: records are large, are
never read again by the operator, and a change of one is nobody's news.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import yaml
from pydantic import Field, ValidationError

from davylamp.api import names
from davylamp.api.identity import Owner, revision_labels
from davylamp.api.spec import Rollout
from davylamp.api.status import Outcome, RevisionRef
from davylamp.api.status_parts import FeatureShare, GateRate, GateStatus, WeightChange
from davylamp.gates import ERRORS, Channel, QueryAnswers
from davylamp.gates.recording import query_values
from davylamp.gates.recording.store import Recording, parts_to_csv, read_csv, thinner, to_csv
from davylamp.gates.samples import Arm, Scrapes
from davylamp.schema.json import JsonObject
from davylamp.schema.models import Instant, Reported

FORMAT: Final = 1
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
COMPONENT: Final = "flight-record"
COUNTERS: Final = "counters.csv"
PARTS: Final = "parts.csv"
VALUES: Final = "values.csv"
RECORD: Final = "record.json"
SPEC: Final = "modeldeployment.yaml"
PLAIN_SIZE: Final = 512 * 1024
"""Bytes up to which the files are kept as text that `kubectl get -o yaml` shows."""
MOST_BYTES: Final = 900 * 1024
"""Bytes of a whole record as it is sent; the API server stores no object above 1 MiB."""
_UNPACKED: Final = 64 * 1024 * 1024

Files = dict[str, str]


class Flight(Reported):
    """One ended attempt of a revision: what was decided, when, and on what."""

    format: int = Field(default=FORMAT, description="Version of this format.")
    operator: str = Field(description="Version of the operator that decided.")
    namespace: str = Field(description="Namespace of the ModelDeployment.")
    name: str = Field(description="Name of the ModelDeployment.")
    phase: Literal["Canary", "Probation"] = Field(
        default="Canary", description="Whether a canary was judged, or what had been promoted."
    )
    candidate: RevisionRef = Field(description="The revision that was judged.")
    stable: RevisionRef | None = Field(default=None, description="What it was compared with.")
    started_at: Instant = Field(description="When the rollout began, or the probation.")
    canary_at: Instant | None = Field(default=None, description="First traffic to the canary.")
    ended_at: Instant = Field(description="When it was decided.")
    outcome: Outcome = Field(description="How it ended.")
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(default="", description="What happened, with numbers.")
    weights: tuple[WeightChange, ...] = Field(default=(), description="Every change of the share.")
    scrape_interval: float = Field(description="Seconds between scrapes, as the gates took it.")
    gates: tuple[GateStatus, ...] = Field(default=(), description="What the gates saw last.")
    baseline: tuple[FeatureShare, ...] = Field(
        default=(), description="Explanation shares of its training run."
    )
    rates: tuple[GateRate, ...] = Field(
        default=(),
        description="What was bad of the answers of the revision before, in a probation.",
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="Files, and parts of files, for which there was no room."
    )

    @property
    def revisions(self) -> Mapping[Arm, str]:
        """The revision on each side."""
        candidate = {Arm.CANDIDATE: self.candidate.revision}
        return {**candidate, Arm.STABLE: self.stable.revision} if self.stable else candidate


@dataclass(frozen=True, slots=True)
class FlightRecord:
    """What a flight record says: the decision, the ModelDeployment as YAML, and the samples."""

    flight: Flight
    spec: str
    counters: str
    parts: str = ""
    values: str = ""

    def answers(self) -> Mapping[str, QueryAnswers]:
        """What user queries gave, by gate.

        Raises:
            ValueError: the file is damaged; says which line.
        """
        return query_values.read_csv(self.values) if self.values else {}

    def scrapes(self) -> Mapping[Channel, Scrapes]:
        """What was read of the pods, by channel.

        Raises:
            ValueError: a file of the record is damaged; says which line.
        """
        files = [text for text in (self.counters, self.parts) if text]
        contents = (read_csv(text, self.flight.revisions) for text in files)
        return {channel: scrapes for content in contents for channel, scrapes in content.items()}


def flight_name(owner: Owner, revision: str, *, probation: bool = False) -> str:
    """Name of the record of a revision's rollout, or of its probation."""
    return f"{owner.child(revision)}-{'probation-' if probation else ''}flight"


def flight_record(
    owner: Owner, flight: Flight, recording: Recording | None, *, repository: str, plan: Rollout
) -> JsonObject:
    """The ConfigMap of an ended attempt, thinned as far as it has to be to fit.

    Args:
        owner: the ModelDeployment.
        flight: what was decided.
        recording: what was read of the pods, if anything was.
        repository: image repository, so that the settings in it are a valid ModelDeployment.
        plan: the settings the revision was judged by.
    """
    ref = flight.candidate
    name = flight_name(owner, ref.revision, probation=flight.phase == "Probation")
    labels = {**revision_labels(owner, ref.revision, ref.tag), LABEL_COMPONENT: COMPONENT}
    del labels[names.LABEL_MANAGED_BY]
    recording = recording or Recording()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": owner.metadata(name, labels),
        **_fitting(_cut(flight, recording), recording, _spec(flight, repository, plan)),
    }


def read_flight_record(item: JsonObject) -> FlightRecord:
    """What a ConfigMap holds that `flight_record` made.

    Raises:
        ValueError: it is not one, it is damaged, or a later version of the operator wrote it.
    """
    text = _file(item, RECORD)
    if not text:
        raise ValueError(f"the ConfigMap has no {RECORD}: it is no flight record")
    try:
        flight = Flight.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{RECORD}: {path}: {first['msg']}") from None
    if flight.format > FORMAT:
        raise ValueError(f"{RECORD}: format {flight.format} needs a newer davylamp than this")
    files = (_file(item, name) for name in (SPEC, COUNTERS, PARTS, VALUES))
    return FlightRecord(flight, *files)


def _cut(flight: Flight, recording: Recording) -> Flight:
    """The flight with a note of the values that were dropped, as far as is known."""
    full = [gate for gate, kept in recording.values.items() if kept.is_full]
    return _without(flight, *(f"{VALUES}: the oldest values of gate {gate}" for gate in full))


def _without(flight: Flight, *parts: str) -> Flight:
    return flight.model_copy(update={"left_out": (*flight.left_out, *parts)})


def _fitting(flight: Flight, recording: Recording, spec: str) -> JsonObject:
    """The files at the highest resolution that fits."""
    while True:
        files = _samples(flight, recording)
        about = {RECORD: _json(flight), SPEC: spec}
        plain: JsonObject = {"data": {**about, **files}}
        if _size(plain) <= PLAIN_SIZE:
            return plain
        packed: JsonObject = {"data": dict(about), "binaryData": _gzipped(files)}
        if _size(packed) <= MOST_BYTES or not recording.samples:
            return packed
        flight, recording = _less(flight, recording)


def _less(flight: Flight, recording: Recording) -> tuple[Flight, Recording]:
    """Fewer samples; where no more may be left out, a whole file less, the largest first."""
    fewer = thinner(recording)
    if fewer.samples < recording.samples:
        return flight, fewer
    others = recording.channels.keys() - {ERRORS}
    gone = PARTS if others else COUNTERS
    kept = {c: recorded for c, recorded in recording.channels.items() if others and c not in others}
    return _without(flight, gone), replace(recording, channels=kept)


def _samples(flight: Flight, recording: Recording) -> Files:
    files = {
        COUNTERS: to_csv(recording, flight.revisions),
        PARTS: parts_to_csv(recording, flight.revisions),
        VALUES: query_values.to_csv(recording.values),
    }
    return {name: text for name, text in files.items() if text}


def _json(flight: Flight) -> str:
    return flight.model_dump_json(by_alias=True, exclude_none=True, indent=1) + "\n"


def _spec(flight: Flight, repository: str, plan: Rollout) -> str:
    """A ModelDeployment with the settings written out: defaults may be others by then."""
    ref = flight.candidate
    manifest: JsonObject = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": flight.name, "namespace": flight.namespace},
        "spec": {
            "image": {"repository": repository, "tag": ref.tag},
            "featureSnapshot": {"id": ref.feature_snapshot},
            "seed": ref.seed,
            "rollout": plan.model_dump(mode="json", by_alias=True, exclude_none=True),
        },
    }
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)


def _gzipped(files: Files) -> JsonObject:
    return {
        f"{name}.gz": base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
        for name, text in files.items()
    }


def _size(part: JsonObject) -> int:
    """Bytes of all files and their names, as they are sent."""
    entries = (
        entry for files in part.values() if isinstance(files, dict) for entry in files.items()
    )
    return sum(len(name) + len(str(text).encode()) for name, text in entries)


def _file(item: JsonObject, name: str) -> str:
    """A file of a record, plain or packed; empty when there is none."""
    plain, packed = item.get("data"), item.get("binaryData")
    text = plain.get(name) if isinstance(plain, dict) else None
    if isinstance(text, str):
        return text
    coded = packed.get(f"{name}.gz") if isinstance(packed, dict) else None
    if not isinstance(coded, str):
        return ""
    try:
        return _unpacked(base64.b64decode(coded, validate=True)).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{name}.gz is damaged: {error}") from None


def _unpacked(content: bytes) -> bytes:
    """What gzip packed, unless it is larger than any record can be."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = reader.decompress(content, _UNPACKED)
    if not reader.eof:
        raise zlib.error("cut short, or too large")
    return unpacked
