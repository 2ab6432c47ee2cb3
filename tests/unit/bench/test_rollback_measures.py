"""What the rollback bench reads from answers and from versions of the Service."""

import pytest
from bench.rollback.measures import abort, closed_at, incident, stored_at

from lab.records import Record
from lab.watch import Version

CANARY, STABLE = "c" * 10, "a" * 10


def answer(time, revision, status=200):
    return Record(time, 5.0, status, revision, "tag", "")


def service(at, revision=None):
    chosen = {"davylamp.dev/model": "model"}
    if revision:
        chosen["davylamp.dev/revision"] = revision
    return Version(at, {"spec": {"selector": chosen}})


SERVICE = (service(0.0, STABLE), service(10.0), service(20.5, STABLE), service(30.0, STABLE))
ANSWERS = (
    answer(9.0, STABLE),
    answer(10.5, CANARY),
    answer(11.0, CANARY, 500),
    answer(15.0, "", 0),
    answer(20.0, CANARY, 500),
    answer(20.6, CANARY),
    answer(21.0, STABLE),
)


def test_an_incident_is_split_at_the_decision_and_at_the_fence():
    found = incident(ANSWERS, SERVICE, revision=CANARY, decided=20.25)
    assert (found.first_bad_to_last, found.bad_answers, found.canary_answers) == (9.0, 2, 4)
    assert found.lost == 1
    assert (found.to_decision, found.to_fence) == (9.25, 0.25)
    assert found.to_silence == pytest.approx(0.1)


def test_an_abort_is_measured_from_typing_and_from_storing():
    found = abort(ANSWERS, SERVICE, revision=CANARY, typed=20.1, stored=20.4)
    assert found.stored_to_fence == pytest.approx(0.1)
    assert found.typed_to_silence == pytest.approx(0.5)
    assert found.stored_to_silence == pytest.approx(0.2)


def test_a_service_closes_when_its_selector_stops_admitting_the_canary():
    assert closed_at(SERVICE, CANARY) == 20.5


def test_a_service_that_never_closed_is_no_measurement():
    with pytest.raises(ValueError, match="no version of the Service stops admitting"):
        closed_at(SERVICE[:2], CANARY)


def test_an_annotation_is_stored_when_it_was_first_seen():
    aborted = {"metadata": {"annotations": {"davylamp.dev/abort": CANARY}}}
    versions = [Version(1.0, {"metadata": {}}), Version(2.0, aborted), Version(3.0, aborted)]
    assert stored_at(versions, "davylamp.dev/abort", CANARY) == 2.0
    with pytest.raises(ValueError, match="no version has"):
        stored_at(versions, "davylamp.dev/abort", STABLE)
