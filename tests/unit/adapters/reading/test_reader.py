"""A reading takes what it may, and no more: another text is read all the same."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support import hostiletasks
from tests.support.hostile import reached

from davylamp.adapters.reading import reader as reading
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.limits import (
    LIGHT,
    ReadingLimits,
    ReadingRefusedError,
    TooMuchToReadError,
    UnreadableError,
)
from davylamp.adapters.reading.reader import SHARED, Reader

HEAVY = b"x" * (LIGHT + 1)
OWNER = "team-a"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader(ReadingLimits(seconds=0.3))
    yield made
    await made.aclose()


async def is_well(reader: Reader, owner: str = OWNER) -> bool:
    return await reader.read(hostiletasks.length, HEAVY, 2, owner=owner) == 2 * len(HEAVY)


async def test_a_short_text_is_read_in_this_process(reader):
    assert await reader.read(hostiletasks.pid, b"x", owner=OWNER) == os.getpid()


async def test_a_long_text_is_read_in_another_process(reader):
    assert await reader.read(hostiletasks.pid, HEAVY, owner=OWNER) != os.getpid()


async def test_a_process_that_reads_is_less_urgent_than_who_asks(reader):
    assert await reader.read(hostiletasks.urgency, HEAVY, owner=OWNER) > os.nice(0)


async def test_one_process_reads_many_texts(reader):
    pids = {await reader.read(hostiletasks.pid, HEAVY, owner=OWNER) for _ in range(5)}
    assert len(pids) == 1


async def test_what_all_rollouts_share_is_read_beside_strangers(reader):
    ours, theirs = await asyncio.gather(
        reader.read(hostiletasks.pid, HEAVY, owner=SHARED),
        reader.read(hostiletasks.pid, HEAVY, owner=OWNER),
    )
    assert ours != theirs


@pytest.mark.parametrize(
    ("task", "why"), [(hostiletasks.hang, "more time"), (hostiletasks.die, "ends the process")]
)
async def test_a_process_that_hangs_or_dies_is_replaced(reader, task, why):
    with pytest.raises(TooMuchToReadError, match=why):
        await reader.read(task, HEAVY, owner=OWNER)
    assert await is_well(reader)


async def test_memory_has_a_bound_and_the_process_ends_there(reader):
    with pytest.raises(TooMuchToReadError, match="more memory"):
        await reader.read(hostiletasks.unfold, HEAVY, owner=OWNER)
    assert await is_well(reader)


async def test_four_mebibytes_of_nothing_unfold_in_the_process_alone(reader):
    with pytest.raises(TooMuchToReadError):
        await reader.read(hostiletasks.document, b"[" + b"[],[]," * 700_000 + b"0]", owner=OWNER)
    assert await is_well(reader)


async def test_an_answer_has_a_bound(reader):
    with pytest.raises(TooMuchToReadError, match="says more"):
        await reader.read(hostiletasks.say_much, HEAVY, owner=OWNER)
    assert await is_well(reader)


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b"1" * 100_000, b'{"a":' * 30_000, b"\xff" * 50_000, HEAVY],
    ids=["deep", "digits", "deep objects", "no text", "no JSON"],
)
async def test_what_cannot_be_read_is_said_in_one_sentence(reader, text):
    with pytest.raises(UnreadableError) as caught:
        await reader.read(hostiletasks.document, text, owner=OWNER)
    assert len(str(caught.value)) < 200
    assert await is_well(reader)


async def test_nothing_but_values_comes_back(reader):
    with pytest.raises(UnreadableError):
        await reader.read(hostiletasks.be_a_function, HEAVY, owner=OWNER)
    assert await is_well(reader)


async def test_a_bug_of_ours_is_logged_and_not_taken_for_a_fault_of_the_text(reader, caplog):
    with pytest.raises(ReadingRefusedError, match="an error of the operator's"):
        await reader.read(hostiletasks.have_a_bug, HEAVY, owner=OWNER)
    assert "reading failed: KeyError" in caplog.text
    with pytest.raises(KeyError):
        await reader.read(hostiletasks.have_a_bug, b"", owner=OWNER)
    assert await is_well(reader)


async def test_a_process_that_was_killed_while_idle_is_replaced_unnoticed(reader):
    pid = await reader.read(hostiletasks.pid, HEAVY, owner=OWNER)
    os.kill(pid, signal.SIGKILL)
    assert await is_well(reader)


async def test_who_no_longer_waits_does_no_harm(reader):
    asked = asyncio.create_task(reader.read(hostiletasks.hang, HEAVY, owner=OWNER))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await is_well(reader)


async def test_a_namespace_that_took_its_seconds_is_refused_and_no_other():
    now = [0.0]
    budget = SecondsBudget(0.5, lambda: now[0])
    reader = Reader(ReadingLimits(seconds=0.3), budget=budget)
    for _ in range(2):
        with pytest.raises(TooMuchToReadError):
            await reader.read(hostiletasks.hang, HEAVY, owner="hostile")
    with pytest.raises(ReadingRefusedError, match=r"0\.5 s of a minute"):
        await reader.read(hostiletasks.length, HEAVY, owner="hostile")
    assert await is_well(reader, "victim")
    assert await is_well(reader, SHARED)
    now[0] = 30.0
    assert await is_well(reader, "hostile")
    await reader.aclose()


async def test_each_owner_has_its_turn_however_much_another_sends(reader):
    """One reading of the neighbour's is waited for, not its queue."""
    await is_well(reader)
    ended: list[str] = []

    async def read(owner: str) -> None:
        with pytest.raises(TooMuchToReadError) if owner == "hostile" else contextlib.nullcontext():
            task = hostiletasks.hang if owner == "hostile" else hostiletasks.length
            await reader.read(task, HEAVY, owner=owner)
        ended.append(owner)

    await asyncio.gather(*(read("hostile") for _ in range(4)), read("victim"))
    assert ended.index("victim") <= 1


async def test_no_owner_can_fill_the_queue(reader, monkeypatch):
    monkeypatch.setattr("davylamp.adapters.reading.turns.MOST_WAITING", 3)
    asked = [reader.read(hostiletasks.length, HEAVY, owner=OWNER) for _ in range(10)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, ReadingRefusedError) for answer in answers) == 6
    assert await is_well(reader, "victim")


async def test_a_process_that_nobody_needs_ends(reader, monkeypatch):
    monkeypatch.setattr(reading, "IDLE", 0.05)
    pid = await reader.read(hostiletasks.pid, HEAVY, owner=OWNER)
    await reached(lambda: not Path(f"/proc/{pid}").exists(), within=10)
    assert await is_well(reader)


async def test_readings_are_counted():
    counted: list[tuple[str, str]] = []
    reader = Reader(
        ReadingLimits(seconds=0.3),
        on_reading=lambda owner, outcome, _seconds: counted.append((owner, outcome)),
    )
    assert await is_well(reader)
    with pytest.raises(TooMuchToReadError):
        await reader.read(hostiletasks.hang, HEAVY, owner=OWNER)
    await reader.aclose()
    assert counted == [(OWNER, "ok"), (OWNER, "too_much")]


async def test_where_no_process_can_be_started_the_reading_is_refused(monkeypatch):
    monkeypatch.setattr("davylamp.adapters.reading.process.sys.executable", "/nowhere/python")
    reader = Reader()
    with pytest.raises(ReadingRefusedError, match="no process can be started"):
        await reader.read(hostiletasks.length, HEAVY, owner=OWNER)
    await reader.aclose()
