"""A process beside another one: how late its event loop is tells how busy the machine is.

`python -m tests.support.bystander` takes a twentieth of a processor in short steps, as an operator under siege may, until
its input ends; then it prints the longest of its lags in seconds.
"""

import asyncio
import sys
import time

from tests.support.hostile import metered

STEP = 0.01
PAUSE = 0.19


async def work() -> None:
    while True:
        ends = time.thread_time() + STEP
        while time.thread_time() < ends:
            pass
        await asyncio.sleep(PAUSE)


async def stand_by() -> None:
    async with metered() as lags:
        print(flush=True)
        working = asyncio.create_task(work())
        await asyncio.to_thread(sys.stdin.read)
        working.cancel()
    print(max(lags.late))


if __name__ == "__main__":
    asyncio.run(stand_by())
