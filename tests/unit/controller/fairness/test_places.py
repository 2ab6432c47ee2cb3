"""Places of a namespace: who came first has one, and how many came in vain is known."""

from davylamp.controller.fairness.places import Places


def test_each_namespace_has_its_own_places_and_who_has_one_keeps_it():
    places: Places[str] = Places(2)
    assert [places.has("a", guest) for guest in "xyzx"] == [True, True, False, True]
    assert places.has("b", "z")
    assert places.refused == {"a": 1}


def test_a_place_that_is_given_back_is_for_whoever_asks_next():
    places: Places[str] = Places(1)
    assert places.has("a", "x")
    assert not places.has("a", "y")
    places.leave("a", "x")
    places.leave("a", "nobody")
    assert places.has("a", "y")
    assert places.refused == {}
    places.leave("a", "y")
    assert places.refused == {}
