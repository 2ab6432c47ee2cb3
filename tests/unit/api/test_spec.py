"""What the spec accepts, and what it refuses with the path of the field."""

import pytest
from pydantic import ValidationError

from davylamp.api.spec import MAX_SEED, ModelDeploymentSpec

LEAST = {
    "image": {"repository": "registry.example/diabetes-risk", "tag": "3f2c1ab"},
    "featureSnapshot": {"id": "2026-11-01"},
    "seed": 42,
}


def read(**changes):
    return ModelDeploymentSpec.model_validate({**LEAST, **changes})


def test_the_least_spec_has_sensible_defaults():
    spec = read()
    assert spec.replicas is None
    assert [step.weight for step in spec.rollout.steps] == [5, 25, 50]
    assert spec.rollout.gates[0].error_rate.method == "Sequential"
    assert not spec.paused


def test_it_reads_back_what_it_writes():
    spec = read(
        replicas=4,
        config={"OMP_NUM_THREADS": "1"},
        secrets=[{"name": "feature-store", "policy": "Pin"}],
        serving={"port": 9000, "resources": {"limits": {"cpu": 1, "memory": "512Mi"}}},
        rollout={"steps": [{"weight": 5, "pause": True}, {"weight": 50, "hold": "2m"}]},
    )
    wire = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert ModelDeploymentSpec.model_validate(wire) == spec


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"imgae": {}}, ("imgae",)),
        ({"seed": -1}, ("seed",)),
        ({"seed": MAX_SEED + 1}, ("seed",)),
        ({"seed": "many"}, ("seed",)),
        ({"replicas": 0}, ("replicas",)),
        ({"image": {"repository": "x", "tag": "has space"}}, ("image", "tag")),
        ({"image": {"repository": "UPPER", "tag": "a"}}, ("image", "repository")),
        ({"image": {"repository": "x", "tag": "a", "digest": "md5:1"}}, ("image", "digest")),
        ({"serving": {"port": 0}}, ("serving", "port")),
        ({"rollout": {"deadline": "soon"}}, ("rollout", "deadline")),
        ({"rollout": {"falseRollback": "1"}}, ("rollout", "falseRollback")),
        ({"rollout": {"steps": [{"weight": 100}]}}, ("rollout", "steps", 0, "weight")),
        ({"rollout": {"steps": [{"weight": 5, "hold": "1"}]}}, ("rollout", "steps", 0, "hold")),
        ({"rollout": {"gates": [{"name": "e"}]}}, ("rollout", "gates", 0)),
        (
            {"rollout": {"gates": [{"name": "e", "errorRate": {"max": "x"}}]}},
            ("rollout", "gates", 0, "errorRate", "max"),
        ),
        ({"rollout": {"history": 0}}, ("rollout", "history")),
        ({"rollout": {"onDeadline": "Wait"}}, ("rollout", "onDeadline")),
    ],
)
def test_bad_input_is_refused_with_its_path(change, path):
    with pytest.raises(ValidationError) as refused:
        read(**change)
    assert [error["loc"] for error in refused.value.errors()] == [path]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rollout": {"deadline": "soon"}}, "must be a duration such as 90s, 5m or 1h30m"),
        ({"rollout": {"deadline": ""}}, "must be a duration such as 90s, 5m or 1h30m"),
        ({"rollout": {"falseRollback": "1"}}, "must be a percentage such as 1% or 0.5%"),
        ({"secrets": [{"name": "Key"}]}, "must be a DNS name such as feature-store"),
        (
            {"serving": {"resources": {"limits": {"memory": "512mb"}}}},
            "must be a quantity such as 500m, 2 or 512Mi",
        ),
    ],
)
def test_what_is_written_wrongly_is_refused_with_an_example(change, sentence):
    with pytest.raises(ValidationError) as refused:
        read(**change)
    assert [error["msg"] for error in refused.value.errors()] == [sentence]


def test_a_spec_cannot_be_changed_after_it_was_read():
    with pytest.raises(ValidationError, match="frozen"):
        read().seed = 1
