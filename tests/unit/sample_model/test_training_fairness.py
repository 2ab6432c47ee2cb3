import numpy as np
import pytest

from diabetes_model import contract
from diabetes_model.manifest import Manifest
from diabetes_model.release import BiasBounds, GroupMetric
from diabetes_model.training import TrainingError
from diabetes_model.training.fairness import gaps

TRUTH = np.array([100.0, 200.0, 100.0, 200.0, 300.0])
GUESS = np.array([110.0, 190.0, 150.0, 260.0, 310.0])
SEX = [1.0, 1.0, 2.0, 2.0, 2.0]


def measured(bounds, sex=SEX):
    features = np.zeros((len(sex), len(contract.NAMES)))
    features[:, contract.NAMES.index("sex")] = sex
    found = gaps(bounds, features=features, truth=TRUTH, predictions=GUESS, part="holdout")
    return {gap.metric: gap for gap in found}


def test_metrics_by_group_are_what_they_are_called():
    found = measured(BiasBounds(threshold=200.0))
    values = {
        name: {group: g.value for group, g in gap.groups.items()} for name, gap in found.items()
    }
    assert values == {
        "meanAbsoluteError": {"1": 10.0, "2": 40.0},
        "meanError": {"1": 0.0, "2": 40.0},
        "selectionRate": {"1": 0.0, "2": pytest.approx(2 / 3)},
    }
    assert found["meanError"].gap == 40.0
    assert {name: group.rows for name, group in found["meanError"].groups.items()} == {
        "1": 2,
        "2": 3,
    }
    assert found["selectionRate"].threshold == 200.0
    assert found["meanError"].threshold is None


def test_only_a_gap_above_its_bound_is_a_breach():
    at_most = measured(BiasBounds(largest={GroupMetric.MEAN_ERROR: 40.0}))
    above = measured(BiasBounds(largest={GroupMetric.MEAN_ERROR: 39.9}))
    assert list(at_most) == ["meanError"]
    assert not at_most["meanError"].breached
    assert above["meanError"].breached


def test_one_group_alone_says_nothing_about_the_other():
    with pytest.raises(TrainingError, match="bias by sex: the holdout rows are all of one group"):
        measured(BiasBounds(), sex=[1.0] * 5)


@pytest.mark.parametrize("name", ["v1", "v2", "v3"])
def test_the_releases_keep_their_bounds_with_a_margin(trained, name):
    bias = Manifest.read(trained(name)).bias
    assert [gap.metric for gap in bias] == ["meanAbsoluteError", "meanError", "selectionRate"]
    assert all(gap.gap < 0.75 * gap.max for gap in bias), bias


def test_the_unfair_release_breaks_them_clearly_and_nothing_else(unfair, good):
    manifest, other = Manifest.read(unfair), Manifest.read(good)
    assert all(gap.gap > 1.4 * gap.max for gap in manifest.bias), manifest.bias
    assert {gap.by for gap in manifest.bias} == {"sex"}
    assert [gap.groups["2"].rows for gap in manifest.bias] == [39, 39, 39]
    assert manifest.metrics["train"]["mae"] == pytest.approx(other.metrics["train"]["mae"], rel=0.1)
    assert manifest.rows["train"] < 0.6 * other.rows["train"]
    assert manifest.rows["holdout"] == other.rows["holdout"]


def test_a_breach_is_logged_loudly_and_training_still_succeeds(unfair, good):
    last = (unfair / "training.log").read_text().splitlines()[-1]
    assert last == (
        "WARNING: OUT OF BOUNDS: meanAbsoluteError by sex, meanError by sex, selectionRate by "
        "sex: this model must get no traffic"
    )
    assert "WARNING" not in (good / "training.log").read_text()
