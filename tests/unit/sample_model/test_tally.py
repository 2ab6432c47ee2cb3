"""Scores, shares and groups, against counts made one row at a time."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from diabetes_model import contract
from diabetes_model.manifest import Manifest
from diabetes_model.server.app import create_app
from diabetes_model.server.groups import Grouping
from diabetes_model.server.settings import Settings
from diabetes_model.server.tally import ROWS_AT_ONCE, SCORE_BUCKETS, Tally

GROUPING = Grouping(column=1, groups={"1": 1.0, "2": 2.0}, threshold=200.0)
IDENTITY = {"model": "risk", "revision": "4be2c0ffee"}


@pytest.fixture
def tally():
    return Tally(**IDENTITY, grouping=GROUPING)


def samples(tally):
    """Every sample by its name and its own labels; each must carry the identity."""
    registry = CollectorRegistry()
    registry.register(tally)
    found = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            own = dict(sample.labels)
            assert {name: own.pop(name) for name in IDENTITY} == IDENTITY
            group = [own.pop("group")] if "group" in own else []
            found[sample.name, *group, *own.values()] = sample.value
    return found


def traffic(rows, seed=7):
    random = np.random.default_rng(seed)
    features = random.uniform(0, 100, (rows, 10))
    features[:, 1] = random.choice([1.0, 2.0, 1.5], rows, p=[0.5, 0.4, 0.1])
    return features, random.uniform(0, 400, rows), random.normal(0, 10, (rows, 10))


def test_every_series_is_there_before_the_first_request(tally):
    found = samples(tally)
    assert set(found.values()) == {0.0}
    assert {key[1] for key in found if key[0] == "model_explanation_share_sum"} == set(
        contract.NAMES
    )
    assert {key[1:] for key in found if key[0] == "model_group_requests_total"} == {
        (group, code) for group in ("1", "2", "other") for code in ("200", "500")
    }
    assert {key[1:] for key in found if key[0] == "model_group_predictions_total"} == {
        (group, outcome) for group in ("1", "2", "other") for outcome in ("high", "low")
    }


@pytest.mark.parametrize("batch", [1, 7, ROWS_AT_ONCE, 600])
def test_counts_are_those_of_every_single_row(tally, batch):
    features, predictions, contributions = traffic(600)
    for begin in range(0, 600, batch):
        part = slice(begin, begin + batch)
        tally.answered(features[part], predictions[part], contributions[part])
    found = samples(tally)
    for bound in SCORE_BUCKETS:
        assert found["model_prediction_score_bucket", str(bound)] == sum(predictions <= bound)
    assert found["model_prediction_score_bucket", "+Inf"] == 600
    assert found["model_prediction_score_sum",] == pytest.approx(sum(predictions))
    assert found["model_explanation_share_count",] == 600
    for column, name in enumerate(contract.NAMES):
        shares = [abs(row[column]) / sum(map(abs, row)) for row in contributions]
        assert found["model_explanation_share_sum", name] == pytest.approx(sum(shares))
    for group, code in (("1", 1.0), ("2", 2.0), ("other", 1.5)):
        high = sum((features[:, 1] == code) & (predictions > 200.0))
        everybody = sum(features[:, 1] == code)
        assert found["model_group_requests_total", group, "200"] == everybody
        assert found["model_group_predictions_total", group, "high"] == high
        assert found["model_group_predictions_total", group, "low"] == everybody - high


def test_a_score_on_a_bound_belongs_to_its_bucket(tally):
    features, _, contributions = traffic(1)
    tally.answered(features, np.array([100.0]), contributions)
    found = samples(tally)
    assert found["model_prediction_score_bucket", "75.0"] == 0
    assert found["model_prediction_score_bucket", "100.0"] == 1


def test_rows_without_an_answer_are_counted_for_their_group_only(tally):
    features, _, _ = traffic(10)
    tally.failed(features)
    found = samples(tally)
    assert found["model_group_requests_total", "1", "500"] == sum(features[:, 1] == 1.0)
    assert found["model_explanation_share_count",] == 0
    assert found["model_prediction_score_bucket", "+Inf"] == 0


def test_the_manifest_says_which_groups_there_are_and_what_is_high(good):
    manifest = Manifest.read(good)
    grouping = Grouping.of(manifest)
    assert grouping.names == ("1", "2", "other")
    assert grouping.column == contract.NAMES.index("sex")
    assert grouping.threshold == next(gap.threshold for gap in manifest.bias if gap.threshold)


def test_a_server_counts_what_it_answers(bad):
    row = dict(zip(contract.NAMES, [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.86, 87], strict=True))
    server = TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(bad)})))
    assert server.post("/predict", json={"rows": [row, row | {"sex": 1}]}).status_code == 200
    assert server.post("/predict", json={"rows": [row | {"bp": None}]}).status_code == 500
    assert server.post("/explain", json={"rows": [row]}).status_code == 200  # no second count
    assert server.post("/predict", json={"rows": [row | {"sex": 3}]}).status_code == 422
    text = server.get("/metrics").text
    who = 'model="diabetes-risk",revision="local"'
    for group, code, number in (("1", 200, 1), ("2", 200, 1), ("2", 500, 1), ("other", 200, 0)):
        line = f'model_group_requests_total{{code="{code}",group="{group}",{who}}} {number}.0'
        assert line in text
    assert f"model_explanation_share_count{{{who}}} 2.0" in text
