"""What must not pass: each is done, and has to be refused by name."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from davylamp.checks import CheckResult, CheckVerdict
from reproduce import checks, here, made
from reproduce.errors import ReproduceError
from reproduce.made import Made
from reproduce.results import Row, Section
from reproduce.subject import Subject

FLIPPED_BYTE, FLIPPED_BIT = 1000, 0
OTHER_SEED = 1
OTHER_TAG = "v1-0000000"


def tried(subject: Subject, snapshot: Path, good: Made, manifest: Mapping[str, Any]) -> Section:
    """All of them.

    Args:
        subject: the model as it should be.
        snapshot: the right file.
        good: a right training run.
        manifest: what the server says of itself.
    """
    with tempfile.TemporaryDirectory() as folder:
        return Section(
            ("what was changed", "refused by", "says"),
            (
                one_bit(subject, snapshot, Path(folder)),
                another_seed(subject, snapshot, good, Path(folder) / "seed"),
                another_tag(subject, manifest),
            ),
        )


def one_bit(subject: Subject, snapshot: Path, folder: Path) -> Row:
    """Trains on a snapshot in which one bit is another: the run must name both hashes."""
    content = bytearray(snapshot.read_bytes())
    content[FLIPPED_BYTE % len(content)] ^= 1 << FLIPPED_BIT
    damaged, out = folder / snapshot.name, folder / "damaged"
    damaged.write_bytes(content)
    done = here.attempt(subject.training(snapshot=str(damaged), out=str(out)))
    wanted = subject.claims.snapshot_sha256 or "no hash"
    refused = bool(done.returncode) and wanted in done.stderr and not out.exists()
    return refusal("one bit of the snapshot", "train", _last_line(done.stderr), refused=refused)


def another_seed(subject: Subject, snapshot: Path, good: Made, out: Path) -> Row:
    """Trains with another seed: manifest, artefact and predictions must all show it."""
    seed = subject.claims.seed + OTHER_SEED
    other = replace(subject, claims=replace(subject.claims, seed=seed))
    here.run(other.training(snapshot=str(snapshot), out=str(out)))
    found = made.from_folder("another seed", out)
    result = checks.of_manifest(_manifest(out), checks.spec(subject.tag, subject.claims))
    same = [name for name in ("model.onnx", "model.skops") if found.facts[name] == good.facts[name]]
    if found.golden() == good.golden():
        same.append("the predictions")
    unchanged = f"unchanged: {', '.join(same)}" if same else "artefacts and predictions differ, too"
    message = f"{result.message}; {unchanged}"
    return _named("another seed in training", result, "the manifest's seed", message, also=not same)


def another_tag(subject: Subject, manifest: Mapping[str, Any]) -> Row:
    """A spec that names another tag than the image's manifest."""
    expected = checks.spec(OTHER_TAG, subject.claims)
    result = checks.of_manifest(manifest, expected)
    return _named(
        "another tag in the spec", result, "the manifest's image.tag", result.message, also=True
    )


def refusal(what: str, who: str, message: str, *, refused: bool) -> Row:
    """Good if it was refused."""
    return Row((what, who if refused else "nobody", message), good=refused)


def _named(what: str, result: CheckResult, name: str, message: str, *, also: bool) -> Row:
    """Good if the check failed, and for this reason alone."""
    only = result.message.startswith(name) and ";" not in result.message
    refused = result.verdict is CheckVerdict.FAIL and only and also
    return refusal(what, f"{result.name}: {result.reason}", message, refused=refused)


def _manifest(folder: Path) -> Mapping[str, Any]:
    document = json.loads((folder / made.MANIFEST_FILE).read_bytes())
    if not isinstance(document, dict):
        raise ReproduceError("the manifest is no object")
    return document


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
