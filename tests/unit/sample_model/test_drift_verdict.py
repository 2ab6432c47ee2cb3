import numpy as np
import pytest

from diabetes_model import contract
from diabetes_model.drift import divergence, verdict
from diabetes_model.drift.shifting import shifted
from diabetes_model.drift.verdict import Explained, Verdict

NAMES = ("a", "b", "c")
BASELINE = np.array([0.5, 0.3, 0.2])
SCORES = np.linspace(0, 1, 500)


def compared(expected, rows, limit=0.1):
    generator = np.random.default_rng(3)
    signs = generator.choice([-1, 1], size=(rows, 3))
    contributions = generator.dirichlet(np.array(expected) * 30, size=rows) * signs
    recent = Explained(contributions, generator.uniform(size=rows))
    return verdict.compare(NAMES, BASELINE, trained=SCORES, recent=recent, limit=limit)


def test_many_rows_like_the_baselines_are_stable():
    found = compared(BASELINE, 600)
    assert found.verdict is Verdict.STABLE
    assert "explanations of 600 recent rows are 0.00" in verdict.sentence(found)
    assert "with 95 % confidence at most 0.0" in verdict.sentence(found)


def test_other_shares_are_drift_and_the_feature_is_named():
    found = compared([0.3, 0.2, 0.5], 200)
    assert found.verdict is Verdict.DRIFTED
    assert (found.largest.feature, found.largest.baseline) == ("c", 0.2)
    assert found.largest.change == pytest.approx(0.3, abs=0.03)
    assert "most changed c, 20.0 % of an answer in training, " in verdict.sentence(found)
    assert "chance of this evidence without drift below 1 in " in verdict.sentence(found)


def test_few_rows_are_undecided_and_say_how_many_would_do():
    found = compared(BASELINE, 40)
    assert found.verdict is Verdict.UNDECIDED
    needed = verdict.evidence.rows_needed(found.evidence.distance, 0.1)
    assert f"about {needed} rows would tell" in verdict.sentence(found)


def test_just_above_the_limit_is_undecided_for_any_number_of_rows():
    found = compared([0.39, 0.3, 0.31], 30)
    assert found.verdict is Verdict.UNDECIDED
    assert "it may be chance" in verdict.sentence(found)


def test_a_single_row_has_a_verdict_too():
    assert compared(BASELINE, 1).verdict is Verdict.UNDECIDED


def test_numbers_for_people_agree_with_their_definitions():
    left, right = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    assert divergence.rank_correlation(left, right) == pytest.approx(-1)
    assert divergence.rank_correlation(left, left) == pytest.approx(1)
    assert divergence.rank_correlation(left, np.full(3, 1 / 3)) is None
    assert divergence.jensen_shannon(left, left) == 0
    assert divergence.jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(1)
    expected = 2 * 0.3 * np.log(0.5 / 0.2)
    assert divergence.psi_of_shares(left, right) == pytest.approx(expected, rel=1e-4)


def test_psi_of_the_same_distribution_is_small_even_with_few_rows():
    generator = np.random.default_rng(4)
    runs = [divergence.psi_of_scores(SCORES, generator.uniform(size=50)) for _ in range(200)]
    uncorrected = 9 * (1 / 50 + 1 / 500)
    assert np.mean(runs) < uncorrected / 3
    assert divergence.psi_of_scores(SCORES, generator.uniform(0.5, 1, size=50)) > 0.25


def test_psi_of_a_constant_score_is_zero():
    assert divergence.psi_of_scores(np.ones(50), np.ones(20)) == 0


def test_shifted_rows_keep_the_contract_and_what_is_missing():
    row = dict.fromkeys(contract.NAMES, 50.0) | {"sex": 1.0, "bmi": 75.0, "bp": None}
    moved = shifted([row], {"bmi": 20, "bp": 10, "s1": -5})[0]
    assert (moved["bmi"], moved["bp"], moved["s1"], moved["age"]) == (80, None, 45, 50)
    assert row["bmi"] == 75.0
    with pytest.raises(ValueError, match="no such field: bmj"):
        shifted([row], {"bmj": 1})
