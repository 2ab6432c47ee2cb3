"""Every sentence of every story in this folder is read as a user would read it."""

import pytest
from tests.support import world
from tests.unit.rollout.sentences import faults_of, sentences_of


@pytest.fixture(autouse=True)
def sentences(monkeypatch):
    """The sentences that decisions of a test produced; none may have a fault."""
    read = set()
    decide = world.decide

    def reading(*arguments, **options):
        decision = decide(*arguments, **options)
        read.update(sentences_of(decision))
        return decision

    monkeypatch.setattr(world, "decide", reading)
    yield read
    assert not [(fault, text) for text in read for fault in faults_of(text)]
