"""Asks a running model server what every image must answer. Standard library only.

    python3 sample_model/smoke.py URL [--image IMAGE] [--wait SECONDS]

With ``--image`` the labels of that image are compared with what the server says of itself. Prints one
line per check; exit code 1 if one fails.
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMAT = "davylamp.dev/manifest/v1"
TOLERANCE = 1e-9
TIMEOUT_SECONDS = 10.0
# Label of the image: where the manifest says the same.
CLAIMS: Mapping[str, tuple[str, ...]] = {
    "org.opencontainers.image.version": ("image", "tag"),
    "org.opencontainers.image.revision": ("image", "commit"),
    "dev.davylamp.dirty": ("image", "dirty"),
    "dev.davylamp.model": ("model",),
    "dev.davylamp.snapshot": ("featureSnapshot", "id"),
    "dev.davylamp.snapshot.sha256": ("featureSnapshot", "sha256"),
    "dev.davylamp.seed": ("seed",),
}
SERIES = (
    'model_requests_total{code="200",',
    'model_requests_total{code="500",',
    "model_request_seconds_bucket{",
    "model_prediction_score_bucket{",
    "model_explanation_share_sum{",
    "model_explanation_share_count{",
    "model_group_requests_total{",
    "model_group_predictions_total{",
    "model_info{",
)


class SmokeError(AssertionError):
    """A server that is not what it has to be; the message says what it answered."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, of whatever code."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; fails the check if it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise SmokeError(f"no JSON: {self.body[:200]!r}") from error


@dataclass(frozen=True)
class Subject:
    """The server, and the labels of its image, empty if unknown."""

    url: str
    labels: Mapping[str, str]

    def ask(self, path: str, body: object = None) -> Answer:
        """GET, or POST if there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as got:
                return Answer(got.status, dict(got.headers), got.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def fetched(self, path: str, body: object = None) -> Any:
        """The JSON of an answer that has to be 200."""
        answer = self.ask(path, body)
        _must(answer.code == 200, f"{path} answers {answer.code}: {answer.body[:300]!r}")
        return answer.json()

    def manifest(self) -> dict[str, Any]:
        """What the server says of itself."""
        manifest: dict[str, Any] = self.fetched("/manifest")
        return manifest


def manifest_is_whole(subject: Subject) -> str:
    """The manifest has what a checker needs."""
    manifest = subject.manifest()
    _must(manifest.get("format") == FORMAT, f"format is {manifest.get('format')!r}")
    for path in (("model",), ("image", "tag"), ("featureSnapshot", "id"), ("seed",)):
        _must(_at(manifest, path) is not None, f"the manifest lacks {'.'.join(path)}")
    golden = manifest.get("golden") or []
    _must(bool(golden), "the manifest has no golden request")
    _must(all(g.get("explanations") for g in golden), "a golden request is not explained")
    shares = sum(_at(manifest, ("explanationBaseline", "shares")).values())
    _must(abs(shares - 1) < TOLERANCE, f"the baseline's shares sum to {shares}")
    return f"{manifest['model']} {manifest['image']['tag']}, {len(golden)} golden requests"


def labels_say_the_same(subject: Subject) -> str:
    """The labels of the image are the manifest's claims."""
    manifest = subject.manifest()
    known = {name: path for name, path in CLAIMS.items() if name in subject.labels}
    for name, path in known.items():
        claimed = _plain(_at(manifest, path))
        said = subject.labels[name]
        _must(said == claimed, f"label {name} is {said}, the manifest says {claimed}")
    return f"{len(known)} labels compared"


def predictions_are_golden(subject: Subject) -> str:
    """Every golden request is answered as in training."""
    golden = subject.manifest()["golden"]
    for one in golden:
        got = subject.fetched("/predict", one["request"])["predictions"]
        _must_be_close(got, one["predictions"], "prediction")
    return f"{sum(len(one['predictions']) for one in golden)} predictions"


def explanations_add_up(subject: Subject) -> str:
    """Baseline and contributions are the prediction, and what training said."""
    worst = 0.0
    for one in subject.manifest()["golden"]:
        got = subject.fetched("/explain", one["request"])["explanations"]
        _must(len(got) == len(one["explanations"]), f"{len(got)} explanations")
        for said, wanted in zip(got, one["explanations"], strict=True):
            total = said["baseline"] + sum(said["contributions"].values())
            worst = max(worst, abs(total - said["prediction"]))
            names = list(wanted["contributions"])
            _must(sorted(said["contributions"]) == sorted(names), "other features are explained")
            values = [said["contributions"][name] for name in names]
            _must_be_close(values, list(wanted["contributions"].values()), "contribution")
    _must(worst < TOLERANCE, f"an explanation misses its prediction by {worst}")
    return f"off by {worst:.0e} at most"


def bad_input_is_named(subject: Subject) -> str:
    """A request that breaks the data contract is a 422 that names the field."""
    row = subject.manifest()["golden"][0]["request"]["rows"][0]
    bad = {
        "bmi": {**row, "bmi": 1000},
        "age": {name: value for name, value in row.items() if name != "age"},
        "shoe_size": {**row, "shoe_size": 43},
        "sex": {**row, "sex": "male"},
    }
    for field, broken in bad.items():
        for route in ("/predict", "/explain"):
            answer = subject.ask(route, {"rows": [broken]})
            _must(answer.code == 422, f"{route} with a bad {field} answers {answer.code}")
            _must(field in answer.body.decode(), f"{route}: {field} is not named")
    return f"{', '.join(bad)}"


def infer_is_the_same_model(subject: Subject) -> str:
    """The Open Inference Protocol gives the same predictions."""
    manifest = subject.manifest()
    place = f"/v2/models/{manifest['model']}"
    name = subject.fetched(place)["inputs"][0]["name"]
    _must(subject.ask(f"{place}/ready").code == 200, "not ready by the protocol")
    row, prediction = _without_gaps(manifest)
    tensor = {
        "name": name,
        "shape": [1, len(row)],
        "datatype": "FP64",
        "data": list(row.values()),
    }
    output = subject.fetched(f"{place}/infer", {"inputs": [tensor]})["outputs"][0]
    _must_be_close(output["data"], [prediction], "inferred prediction")
    return f"tensor {name}, output {output['name']}"


def answers_say_who(subject: Subject) -> str:
    """Every answer carries revision and tag, and the tag is the manifest's."""
    manifest = subject.manifest()
    answer = subject.ask("/predict", manifest["golden"][0]["request"])
    headers = {name.lower(): value for name, value in answer.headers.items()}
    revision, tag = headers.get("x-model-revision"), headers.get("x-model-tag")
    _must(bool(revision), "no X-Model-Revision")
    _must(tag == manifest["image"]["tag"], f"X-Model-Tag is {tag}")
    return f"revision {revision}"


def metrics_are_there(subject: Subject) -> str:
    """The metrics have their fixed names, each series with model and revision."""
    text = subject.ask("/metrics").body.decode()
    for start in SERIES:
        lines = [line for line in text.splitlines() if line.startswith(start)]
        _must(bool(lines), f"no series {start}...")
        for line in lines:
            _must('model="' in line and 'revision="' in line, f"unlabelled: {line}")
    return f"{len(SERIES)} kinds of series"


CHECKS: tuple[Callable[[Subject], str], ...] = (
    manifest_is_whole,
    labels_say_the_same,
    predictions_are_golden,
    explanations_add_up,
    bad_input_is_named,
    infer_is_the_same_model,
    answers_say_who,
    metrics_are_there,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every check; returns the exit code."""
    parser = argparse.ArgumentParser(description="Smoke tests of a running model server.")
    parser.add_argument("url")
    parser.add_argument("--image", help="compare the labels of this image as well")
    parser.add_argument("--wait", type=float, default=60.0, help="for readiness, in seconds")
    options = parser.parse_args(arguments)
    subject = Subject(options.url.rstrip("/"), _labels(options.image) if options.image else {})
    if not _is_ready(subject, options.wait):
        sys.stdout.write(f"FAILED ready: not within {options.wait:g} s\n")
        return 1
    failed = [check for check in CHECKS if not _passes(check, subject)]
    sys.stdout.write(f"{len(CHECKS) - len(failed)} of {len(CHECKS)} passed\n")
    return 1 if failed else 0


def _passes(check: Callable[[Subject], str], subject: Subject) -> bool:
    name = check.__name__.replace("_", " ")
    try:
        sys.stdout.write(f"ok     {name}: {check(subject)}\n")
    except (SmokeError, OSError, LookupError, TypeError, AttributeError) as error:
        sys.stdout.write(f"FAILED {name}: {type(error).__name__}: {error}\n")
        return False
    return True


def _is_ready(subject: Subject, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if subject.ask("/readyz").code == 200:
                return True
        except OSError:  # it does not listen yet
            pass
        time.sleep(0.1)
    return False


def _labels(image: str) -> dict[str, str]:
    command = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) or {}


def _without_gaps(manifest: Mapping[str, Any]) -> tuple[dict[str, float], float]:
    """A golden row that lacks nothing, and its prediction."""
    for one in manifest["golden"]:
        for row, prediction in zip(one["request"]["rows"], one["predictions"], strict=True):
            if None not in row.values():
                return row, prediction
    raise SmokeError("every golden row lacks a measurement")


def _must(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise SmokeError(otherwise)


def _must_be_close(got: Sequence[float], wanted: Sequence[float], what: str) -> None:
    _must(len(got) == len(wanted), f"{len(got)} of {len(wanted)}: {what}")
    for answered, said in zip(got, wanted, strict=True):
        close = abs(answered - said) <= TOLERANCE * max(1.0, abs(said))
        _must(close, f"{what} {answered!r}, training said {said!r}")


def _at(document: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
