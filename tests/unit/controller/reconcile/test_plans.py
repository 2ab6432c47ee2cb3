"""The write plan of each story, as text that people can read, and the order in the documents."""

from pathlib import Path

import pytest
from tests.support import plans
from tests.support.operation import Land

from davylamp.controller.cluster.writes import RULES, WriteStep

GOLDEN = Path(__file__).with_name("plans.md")
ARCHITECTURE = Path(__file__).parents[4] / "docs" / "ARCHITECTURE.md"
BEGIN, END = "<!-- write plan -->\n", "\n<!-- /write plan -->"


def sections(text: str) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {title: body.strip() for title, _, body in parts}


@pytest.mark.parametrize("tell", plans.STORIES, ids=lambda tell: tell.__name__)
async def test_the_plan_of_a_story_is_what_is_written_down(tell):
    """After a change on purpose: `python -m tests.support.plans`, as its first lines say."""
    golden = sections(GOLDEN.read_text())
    for title, table in sections(await plans.told(tell)).items():
        assert table == golden[title], title


async def test_nothing_is_written_down_that_no_story_tells():
    assert await plans.all_stories() == GOLDEN.read_text()


async def test_the_writes_of_a_plan_stand_in_the_order_of_its_steps():
    story = plans.Story()
    with story.recorded():
        await plans.superseded(story)
        await story.land.settle()
    for plan in story.plans:
        steps = [write.step for write in plan.writes]
        assert steps == sorted(steps)
        assert len(plans.statuses(plan)) == 1


async def test_what_a_plan_says_is_what_is_written():
    story = plans.Story()
    with story.recorded():
        await plans.superseded(story)
    plan = story.telling("Superseded")
    planned = [
        (write.kind, write.name) for write in plan.writes if write.step is not WriteStep.EVENTS
    ]
    [made] = [p for p in passes(story.land) if any(w.body.get("reason") == "Superseded" for w in p)]
    assert [(w.kind, w.name) for w in made if w.kind != "Event"] == planned


def passes(land: Land) -> list:
    return land.operator.passes


async def test_a_plan_never_prints_the_content_of_a_secret():
    story = plans.Story()
    with story.recorded():
        await plans.pinned(story)
    plan = next(plan for plan in story.plans if "Secret" in {write.kind for write in plan.writes})
    assert "b25l" not in repr(plan)


def test_each_step_has_its_rule():
    assert list(RULES) == list(WriteStep)


def test_the_documents_show_the_order_of_writes():
    """The table is `tests.support.plans.order_of_writes`."""
    text = ARCHITECTURE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == plans.order_of_writes()
