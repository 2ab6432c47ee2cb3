import pytest

from diabetes_model import release
from diabetes_model.release import BiasBounds, GroupMetric
from diabetes_model.snapshots import Loss


@pytest.fixture
def original(root):
    return (root / "releases/unfair.toml").read_text()


def test_a_release_file_says_everything_that_training_needs(root):
    chosen = release.read(root / "releases/unfair.toml")
    assert chosen.seed == 45
    assert (chosen.recipe.id, chosen.recipe.seed) == ("2026-11-22", 15)
    assert chosen.recipe.lost == (Loss("sex", 2.0, 0.97),)
    assert chosen.bias == BiasBounds(
        by="sex",
        threshold=200.0,
        largest={
            GroupMetric.MEAN_ABSOLUTE_ERROR: 12.0,
            GroupMetric.MEAN_ERROR: 30.0,
            GroupMetric.SELECTION_RATE: 0.25,
        },
    )


def test_all_releases_are_held_to_the_same_bounds_which_are_the_defaults(root):
    bounds = [release.read(path).bias for path in (root / "releases").glob("*.toml")]
    assert len(bounds) == 4
    assert all(bound == BiasBounds() for bound in bounds)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 45", "seed = 1\nsed = 2", "unknown key sed"),
        ("seed = 45", "seed = 9007199254740992", "seed must be an integer in 0..9007199254740991"),
        ("seed = 45", "", "missing key 'seed'"),
        ("share = 0.97", "shar = 1", "unknown key snapshot.lost.sex.shar"),
        ("share = 0.97", "share = true", "True is not a number"),
        ('by = "sex"', 'by = "age"', "bias.by must be one of sex, is age"),
        ("meanError", "meanEror", "'meanEror' is not a valid GroupMetric"),
        ("threshold = 200.0", "", "missing key 'threshold'"),
        ("alpha = 1.0", "alpha = '1'", "'1' is not a number"),
        ('impute = "median"', 'impute = "guess"', "'guess' is not a valid Impute"),
    ],
)
def test_a_wrong_release_file_is_refused_by_name(original, tmp_path, old, new, message):
    path = tmp_path / "release.toml"
    path.write_text(original.replace(old, new))
    with pytest.raises(release.ReleaseError, match=rf"release.toml: .*{message}"):
        release.read(path)
