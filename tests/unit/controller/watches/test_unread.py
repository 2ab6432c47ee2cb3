"""Objects that are not read are told of, once each and never many at a time."""

import asyncio
from typing import Any

import pytest

from davylamp.adapters.errors import Forbidden
from davylamp.api import names
from davylamp.controller.watches import unread
from davylamp.controller.watches.unread import MOST_WAITING, UnreadObjects


class Events:
    """Where Events go."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.refuses = False

    async def create_event(self, manifest: dict[str, Any]) -> None:
        self.told.append(manifest)
        if self.refuses:
            raise Forbidden("create Event: 403")


def outline(name: str, kind: str = "Pod") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "models", "uid": f"uid-{name}"}
    why = "has more than 20,000 elements"
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, names.UNREAD: why}


async def told_of(events: Events, *items: dict[str, Any], times: int) -> None:
    telling = UnreadObjects(events, reporter="me")
    for item in items:
        telling.note(item)
    task = asyncio.create_task(telling.run())
    for _ in range(20 * times + 20):  # each takes a few turns of the event loop
        await asyncio.sleep(0)
    task.cancel()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    monkeypatch.setattr(unread, "BETWEEN", 0.0)
    return Events()


async def test_an_event_names_the_object_and_says_what_to_do(events):
    await told_of(events, outline("a"), outline("a"), times=1)
    (event,) = events.told
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "a",
        "namespace": "models",
        "uid": "uid-a",
    }
    assert (event["type"], event["reason"]) == ("Warning", "InvalidSpec")
    assert event["message"] == (
        "Davylamp does not read this Pod: it has more than 20,000 elements. Make it smaller."
    )


async def test_a_model_says_it_in_its_own_status(events):
    await told_of(events, outline("a", names.KIND), outline("b"), times=1)
    assert [event["involvedObject"]["name"] for event in events.told] == ["b"]


async def test_no_more_wait_than_there_is_room_for(events):
    items = [outline(f"p{number}") for number in range(MOST_WAITING + 50)]
    await told_of(events, *items, times=MOST_WAITING)
    assert len(events.told) == MOST_WAITING


async def test_an_event_that_is_refused_stops_nothing(events):
    events.refuses = True
    await told_of(events, outline("a"), outline("b"), times=2)
    assert len(events.told) == 2
