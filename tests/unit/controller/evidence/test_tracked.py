"""Each part of what is known about a rollout has one module that replaces it, the one it names."""

import ast
from pathlib import Path

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.controller import evidence
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracked import TrackedRollout, TrackedRollouts
from davylamp.gates import ERRORS, ErrorRate, Query, QueryAnswers, ShareChange, Trial

ROOM = Path(evidence.__file__).parent
KEY = Key("models", "a")
WEIGHTS = (ShareChange(100.0, 0.5),)
WRITERS = {
    "subject": "tracker",
    "folded": "ingest",
    "counters": "ingest",
    "queries": "user_queries",
    "suggestions": "suggestions",
    "is_asked_about": "counter_reader",
}


def assigned(module):
    """Attributes that a module assigns, of anything but its own objects."""
    for node in ast.walk(ast.parse(module.read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            is_own = isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
            if isinstance(target, ast.Attribute) and not is_own:
                yield target.attr


def test_every_part_is_replaced_by_one_module():
    writers = {}
    for module in ROOM.glob("*.py"):
        for attribute in assigned(module):
            writers.setdefault(attribute, set()).add(module.stem)
    assert writers == {part: {module} for part, module in WRITERS.items()}


def rollout(rule=None):
    subject = Subject(
        "models", "a-new", "a-old", {"gate": Trial(rule or ErrorRate(), 100.0, WEIGHTS)}
    )
    return TrackedRollout.begin(subject, 40.0)


def test_at_first_nothing_is_known_and_everything_is_unread():
    tracked = rollout()
    assert tracked.unread == {ERRORS: 40.0}
    found = tracked.evidence
    assert (found.scraped, found.errors, found.answered, found.queried) == (set(), {}, set(), set())


def test_a_query_counts_as_answered_from_its_first_answer_on_and_an_error_ends_with_it():
    tracked = rollout(Query(promql="up", highest=1.0))
    error = SourceError(SourceFault.DOWN, "no answer")
    tracked.queries = tracked.queries.failed("gate", error)
    assert tracked.evidence.query_errors == {"gate": error}
    assert tracked.faults == {("gate gate", SourceFault.DOWN)}
    assert tracked.evidence.queried == set()
    tracked.queries = tracked.queries.answered("gate", QueryAnswers(55.0, {}))
    assert tracked.evidence.queried == {"gate"}
    assert tracked.faults == set()


@pytest.mark.parametrize("end", ["removed", "replaced"])
def test_no_news_is_reported_of_a_rollout_that_is_tracked_no_longer(end):
    news = []
    tracked, rollouts = rollout(), TrackedRollouts(on_news=news.append)
    rollouts.put(KEY, tracked)
    rollouts.report_news(KEY, tracked)
    assert (news, len(rollouts), list(rollouts)) == ([KEY], 1, [(KEY, tracked)])
    if end == "removed":
        rollouts.remove(KEY)
    else:
        rollouts.put(KEY, rollout())
    rollouts.report_news(KEY, tracked)
    assert not rollouts.is_current(KEY, tracked)
    assert news == [KEY]
