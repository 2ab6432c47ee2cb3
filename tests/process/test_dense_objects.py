"""Objects that do not compress: what is kept of them is bounded, and others go on."""

import base64
import random

from tests.process.apiserver import ByteServer
from tests.process.objects import model, model_place
from tests.process.operatorprocess import OperatorProcess
from tests.process.test_heavy_objects import is_followed, refused

SIZE = 480_000
"""Bytes of noise in each, within the budget of an object."""
MODELS = 400
MOST = 256.0
"""MiB; as many objects as they come would take more."""
PATIENCE = 240.0
"""Seconds: all of it is compressed, to see whether there is room for it."""


def noise(number: int) -> bytes:
    return base64.b64encode(random.Random(number).randbytes(SIZE * 3 // 4))


async def test_memory_stays_bounded_with_hundreds_of_objects_that_do_not_compress(
    api: ByteServer, operator: OperatorProcess
) -> None:
    texts = [noise(number) for number in range(20)]
    for number in range(MODELS):
        place = model_place(f"dense-{number}")
        template = b'{"a%d":"%s"}' % (number, texts[number % len(texts)])
        api.put(place, model(place.name, template))
    api.put(model_place("good"), model("good"))
    await operator.until(lambda: is_followed(api, "good"), PATIENCE)
    await operator.until(lambda: all(refused(api, f"dense-{n}") for n in range(MODELS)), PATIENCE)
    assert operator.is_alive
    assert operator.peak < MOST, operator.peak
