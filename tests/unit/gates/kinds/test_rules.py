import pytest

from davylamp.gates import ErrorRate, ShareChange, Threshold, Trial


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_rate": 0.0}, "max_rate"),
        ({"max_rate": 1.0}, "max_rate"),
        ({"false_rollback": 0.0}, "false_rollback"),
        ({"false_promotion": 2.0}, "false_promotion"),
        ({"ratio": 0.0}, "ratio"),
        ({"ratio": 3.0}, "promote_ratio"),
        ({"burst": 0.5}, "burst"),
        ({"horizon_blocks": 0}, "horizon_blocks"),
        ({"min_blocks": 0}, "min_blocks"),
    ],
)
def test_sequential_refuses_what_cannot_decide(settings, says):
    with pytest.raises(ValueError, match=says):
        ErrorRate(**settings)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_rate": 0.0}, "max_rate"),
        ({"max_rate": 0.1, "failures": 0}, "failures"),
        ({"max_rate": 0.1, "window": 0.0}, "window"),
        ({"max_rate": 0.1, "min_requests": 0}, "min_requests"),
    ],
)
def test_threshold_refuses_what_cannot_be_measured(settings, says):
    with pytest.raises(ValueError, match=says):
        Threshold(**settings)


@pytest.mark.parametrize("weights", [(), ((0.0, 0.0),), ((0.0, 1.5),), ((5.0, 0.1), (1.0, 0.2))])
def test_trial_refuses_weights_that_make_no_history(weights):
    with pytest.raises(ValueError, match="weight"):
        Trial(ErrorRate(), 0.0, tuple(ShareChange(*each) for each in weights))


def test_two_blocks_agree_where_nothing_is_said():
    assert ErrorRate().agreeing_blocks == 2
    assert ErrorRate(min_blocks=3).agreeing_blocks == 3


def test_a_repeated_weight_is_no_shift():
    changes = ((0.0, 0.1), (10.0, 0.1), (20.0, 0.5))
    trial = Trial(ErrorRate(), 0.0, tuple(ShareChange(*each) for each in changes))
    assert trial.last_shift(15.0) == float("-inf")
    assert trial.last_shift(25.0) == 20.0
    assert trial.weight_at(25.0) == 0.5
