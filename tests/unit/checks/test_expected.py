"""What the checks expect comes from the recorded intent of a revision."""

import pytest

from davylamp.checks import Expected, expected_of


def test_expectations_come_from_the_recorded_intent():
    intent = {
        "image": {"repository": "registry.example/model", "tag": "v1"},
        "featureSnapshot": {"id": "2026-11-01"},
        "seed": 42,
    }
    assert expected_of(intent) == Expected("v1", "2026-11-01", 42)
    with pytest.raises(ValueError, match="names no tag"):
        expected_of({})
