"""The status is the operator's only memory: what is written comes back as it was."""

import json
from datetime import UTC, datetime, timedelta, timezone

from tests.support.nature import Model, settle, world_in

from davylamp.api.crd import structural
from davylamp.api.status import ModelDeploymentStatus, RevisionRef, Stable, identity, to_json


def test_an_empty_status_is_what_a_new_object_has():
    assert ModelDeploymentStatus.model_validate({}) == ModelDeploymentStatus()


def test_a_full_status_survives_the_wire():
    world = world_in("Step2")
    status = world.status
    assert status.candidate is not None
    wire = json.loads(json.dumps(to_json(status)))
    assert ModelDeploymentStatus.model_validate(wire) == status
    assert to_json(ModelDeploymentStatus.model_validate(wire)) == wire


def test_rejections_history_and_commands_survive_the_wire():
    world = world_in("Canary")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    status = world.status
    assert status.rejected
    assert status.history
    assert ModelDeploymentStatus.model_validate(to_json(status)) == status


def test_every_field_that_is_written_is_in_the_schema():
    world = world_in("Step2")
    schema = structural(ModelDeploymentStatus, with_defaults=False)
    assert_covered(to_json(world.status), schema, "status")


def assert_covered(value, schema, path):
    """The API server prunes what the schema does not name."""
    if isinstance(value, dict):
        for key, child in value.items():
            known = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            assert known, f"{path}.{key} would be pruned"
            assert_covered(child, known, f"{path}.{key}")
    elif isinstance(value, list):
        for child in value:
            assert_covered(child, schema["items"], f"{path}[]")


def test_unset_fields_are_left_out_and_fields_of_newer_versions_passed_over():
    assert "candidate" not in to_json(ModelDeploymentStatus())
    newer = {"observedGeneration": 3, "somethingNew": {"a": 1}}
    assert ModelDeploymentStatus.model_validate(newer).observed_generation == 3


def test_times_are_written_in_utc_with_microseconds():
    at = datetime(2026, 11, 1, 5, 0, 0, 250, tzinfo=timezone(timedelta(hours=2)))
    ref = RevisionRef(revision="a" * 10, tag="v1", feature_snapshot="s", seed=1)
    stable = Stable(**identity(ref), promoted_at=at)
    wire = to_json(ModelDeploymentStatus(stable=stable))
    assert wire["stable"]["promotedAt"] == "2026-11-01T03:00:00.000250Z"
    assert ModelDeploymentStatus.model_validate(wire).stable.promoted_at == at.astimezone(UTC)
