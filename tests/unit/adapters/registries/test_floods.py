"""A registry that sends without end what clients have to skip: the event loop goes on."""

import asyncio
import contextlib
import gc
import socket
import threading
import time

import pytest

from davylamp.adapters.registries.client import PER_HOST, HttpRegistries
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.images import ImageFault, Unresolved, parse_reference

LONGEST_LAG = 0.25
FLOODS = {
    "hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50_000,
    "blank lines": b"\r\n" * 500_000,
    "headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200_000,
}


def send_without_end(listening, flood):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=send, args=(connection, flood), daemon=True).start()


def send(connection, flood):
    with contextlib.suppress(OSError), connection:
        while True:
            connection.sendall(flood)


@pytest.fixture(autouse=True)
def without_garbage_of_other_tests():
    """Else a collection of all that a thousand tests have left counts as lag."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("flood", FLOODS)
async def test_what_clients_skip_does_not_block_the_event_loop(flood):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        arguments = (listening, FLOODS[flood])
        threading.Thread(target=send_without_end, args=arguments, daemon=True).start()
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        settings = RegistrySettings(plain_http=frozenset({host}), timeout=1.5)
        async with contextlib.aclosing(HttpRegistries(settings)) as client:
            reference = parse_reference(f"{host}/models/risk", "v1")
            asking = asyncio.gather(*(client.resolve(reference) for _ in range(PER_HOST)))
            lags = []
            while not asking.done():
                began = time.thread_time()  # of this thread alone: others share the processor
                await asyncio.sleep(0.001)
                lags.append(time.thread_time() - began)
            for answer in asking.result():
                assert isinstance(answer, Unresolved)
                assert answer.fault is ImageFault.UNREACHABLE
            assert max(lags) < LONGEST_LAG
