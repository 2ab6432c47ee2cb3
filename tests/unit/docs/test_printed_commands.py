"""The commands for 3 a.m. do what they say, run as they are printed."""

import json
import subprocess

import pytest
from tests.support import fakekubectl
from tests.support.printed import EXAMPLE_REVISION, Printed, at_night, runbook

from davylamp.api.names import Command
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import Owner, record
from davylamp.rollout import identify

MODEL = "modeldeployment.davylamp.dev/risk"
LEAST = {
    "image": {"repository": "registry.example/risk", "tag": "v1"},
    "featureSnapshot": {"id": "2026-11-01"},
    "seed": 42,
}
RICH = {
    "image": {"repository": "registry.example/risk", "tag": "v2", "digest": f"sha256:{'a' * 64}"},
    "featureSnapshot": {"id": "2026-12-01", "uri": "s3://features/x.parquet"},
    "seed": 2**53 - 1,
    "config": {"TEXT": "line 1\nline 2 \\ \"$HOME\" `id` '%s' <&>", "OTHER": "1"},
    "secrets": [{"name": "licence", "policy": "Pin"}],
    "serving": {"port": 9000, "resources": {"limits": {"memory": "1Gi"}}},
    "metadata": {"labels": {"cost-center": "4711"}, "annotations": {"example.org/owner": "risk"}},
}
KEPT = {"replicas": 7, "paused": True, "rollout": {"minRequests": 9}, "explanations": {}}


def made(spec):
    return ModelDeploymentSpec.model_validate(spec)


def recorded(spec):
    """The record of a spec, by the name of its revision."""
    owner, ref = Owner("risk", "models", "uid-1"), identify(made(spec), {})
    manifest = record(owner, ref, made(spec), number=1, pinned={"licence": ["key"]})
    return ref.revision, json.loads(json.dumps(manifest))


@pytest.fixture
def kubectl(tmp_path):
    """A folder with a kubectl over one ModelDeployment and its records."""

    def install(spec, *records, status=None):
        state = {MODEL: {"metadata": {"name": "risk"}, "spec": spec, "status": status or {}}}
        state |= {f"controllerrevision/risk-{name}": manifest for name, manifest in records}
        fakekubectl.install(tmp_path, state)
        return tmp_path

    return install


def run(printed: Printed, command: str, folder) -> None:
    printed.run(command, namespace="models", name="risk", kubectl=folder)


def test_these_specs_have_every_field():
    """A field that makes a revision and is not undone would make an undo a rollout."""
    fields = {field.alias or name for name, field in ModelDeploymentSpec.model_fields.items()}
    assert fields == RICH.keys() | KEPT.keys()


UNDOS = pytest.mark.parametrize(
    "printed", [at_night(), runbook("It has served for longer")], ids=["README", "runbook"]
)


@UNDOS
@pytest.mark.parametrize(("then", "now"), [(LEAST, RICH), (RICH, LEAST)], ids=["less", "more"])
def test_an_undo_puts_the_whole_revision_back_and_nothing_else(kubectl, printed, then, now):
    revision, manifest = recorded(then)
    folder = kubectl({**now, **KEPT}, (revision, manifest))
    command = printed.command("undo ").replace(EXAMPLE_REVISION, revision)
    run(printed, command, folder)
    spec = fakekubectl.stored(folder)[MODEL]["spec"]
    assert identify(made(spec), {}).revision == revision
    assert {field: spec[field] for field in KEPT} == KEPT


@UNDOS
def test_an_undo_to_a_revision_without_a_record_changes_nothing(kubectl, printed):
    folder = kubectl(RICH)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(printed, printed.command("undo "), folder)
    assert "NotFound" in failed.value.stderr
    assert fakekubectl.stored(folder)[MODEL]["spec"] == RICH


STATUS = {
    "candidate": {"revision": "cccccccccc"},
    "stable": {"revision": "5555555555"},
    "rejected": [{"revision": "eeeeeeeeee"}, {"revision": "ffffffffff"}],
}


@pytest.mark.parametrize(
    ("start", "command", "value"),
    [
        ("annotate abort=$(revision_of candidate)", Command.ABORT, "cccccccccc"),
        ("annotate abort=$(revision_of stable)", Command.ABORT, "5555555555"),
        ("annotate retry=", Command.RETRY, "eeeeeeeeee"),
        ("annotate promote=", Command.PROMOTE, "cccccccccc"),
        ("annotate advance=", Command.ADVANCE, "cccccccccc@1"),
    ],
)
def test_each_command_names_the_revision_that_it_is_for(kubectl, start, command, value):
    folder = kubectl(LEAST, status=STATUS)
    printed = at_night()
    run(printed, printed.command(start), folder)
    annotations = fakekubectl.stored(folder)[MODEL]["metadata"]["annotations"]
    assert annotations == {command: value}


def test_every_command_is_printed():
    printed = at_night()
    names = {command.rsplit("/", 1)[-1] for command in Command}
    starts = {line.removeprefix("annotate ").split("=")[0] for line in printed.commands}
    assert starts >= names | {printed.command("undo ")}


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("A canary is under way (the column CANDIDATE has a tag)", "cccccccccc"),
        ("It was promoted a short while ago (REASON is Probation)", "5555555555"),
    ],
)
def test_the_runbook_aborts_the_revision_that_it_speaks_of(kubectl, heading, value):
    folder = kubectl(LEAST, status=STATUS)
    printed = runbook(heading)
    run(printed, printed.commands[0], folder)
    assert fakekubectl.stored(folder)[MODEL]["metadata"]["annotations"] == {Command.ABORT: value}
