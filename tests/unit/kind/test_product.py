"""Which images the cluster gets."""

from localcluster import product


def test_the_cluster_serves_every_release_and_trains_those_with_a_nightly_job():
    tags = {release: f"{release}-3f2c1ab" for release in ("unfair", "v1", "v2", "v3")}
    assert product.sample_images(tags) == [
        "davylamp/diabetes-risk:unfair-3f2c1ab",
        "davylamp/diabetes-risk:v1-3f2c1ab",
        "davylamp/diabetes-risk:v2-3f2c1ab",
        "davylamp/diabetes-risk:v3-3f2c1ab",
        "davylamp/diabetes-risk-training:v1-3f2c1ab",
        "davylamp/diabetes-risk-training:v3-3f2c1ab",
    ]
