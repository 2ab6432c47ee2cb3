import pytest

from davylamp.cli.errors import UsageError
from davylamp.cli.replay.weights import estimated_share, parse_weights
from davylamp.gates import Sample, ShareChange


@pytest.mark.parametrize(
    ("text", "share"),
    [("25", 0.25), ("25%", 0.25), ("0.25", 0.25), ("0.5%", 0.005), ("1", 0.01), ("1.0", 1.0),
     ("2.5", 0.025), ("100", 1.0)],
)  # fmt: skip
def test_weights_are_percent_unless_they_are_fractions(text, share):
    assert parse_weights(f"0:{text}") == (ShareChange(0.0, share),)


def test_several_changes():
    assert parse_weights("0:5, 60.5:25%") == (ShareChange(0.0, 0.05), ShareChange(60.5, 0.25))


@pytest.mark.parametrize("text", ["", "25", "0:", "0:x", "0:-5", "inf:5", "0:0.0", "0:nan"])
def test_other_texts_than_weights_are_refused(text):
    with pytest.raises(UsageError):
        parse_weights(text)


def test_the_share_is_that_of_the_requests_since_the_start():
    canary = [[Sample(5.0, 10.0), Sample(10.0, 30.0)]]
    stable = [[Sample(-5.0, 900.0), Sample(0.0, 1000.0), Sample(10.0, 1090.0)]]
    assert estimated_share(canary, stable, 0.0) == pytest.approx(0.25)


def test_a_share_without_requests_is_open():
    assert estimated_share([[Sample(5.0, 0.0)]], [], 0.0) == 0.5
