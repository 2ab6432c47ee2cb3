"""What an answer is made of, in microseconds: the price of checks and metrics without the network's noise."""

import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.serving.variants import settings_of, unchecked

from diabetes_model.server.answering import as_json
from diabetes_model.server.requests import features_of
from diabetes_model.server.service import Service
from diabetes_model.server.tally import ROWS_AT_ONCE

# A multiple of the rows that are counted at once, so that counting is in the price of noting.
CALLS, REPEATS = 4 * ROWS_AT_ONCE, 15


@dataclass(frozen=True)
class Step:
    """A part of answering one request; the best of many repetitions."""

    title: str
    microseconds: float


def steps(directory: Path, body: str) -> Iterator[Step]:
    """Measures the parts of ``/predict`` one by one."""
    service = Service.of(settings_of(directory, 0))
    content = body.encode()
    features = features_of(content)
    predictions, contributions = service.model.session.run(None, {"features": features})
    observe = service.metrics.observer()
    parts: dict[str, Callable[[], object]] = {
        "read the body, check it against the data contract": lambda: features_of(content),
        "(read the body, check nothing)": lambda: unchecked(content),
        "run the graph": lambda: service.model.session.run(None, {"features": features}),
        "scores, shares, groups": lambda: service.tally.answered(
            features, predictions, contributions
        ),
        "count and time the request": lambda: observe("predict", 200, 0.001),
        "write the answer": lambda: as_json({"predictions": predictions.tolist()}),
    }
    for title, part in parts.items():
        seconds = min(timeit.repeat(part, number=CALLS, repeat=REPEATS))
        yield Step(title, 1e6 * seconds / CALLS)
