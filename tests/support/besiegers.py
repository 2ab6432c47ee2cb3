"""Servers whose every answer is hostile, in a process of their own: prints their ports, ends with its input."""

import itertools
import json
import sys
from dataclasses import asdict, dataclass

METRIC = b'model_requests_total{code="%d",route="predict"} 90\n'


@dataclass(frozen=True)
class Ports:
    """Where hostile pods and a hostile Prometheus listen."""

    models: int
    prometheus: int
    long_metrics: int
    endless_metrics: int


def main() -> None:
    from tests.support.fakehttp import Response, serving  # noqa: PLC0415 - the besieged needs `Ports` only
    from tests.support.hostile import HEAD, sending, whole  # noqa: PLC0415
    from tests.unit.adapters.prometheus.test_hostile_answers import (  # noqa: PLC0415
        NONSENSE,
        VICTIMS,
        answer,
    )
    from tests.unit.controller.checks.test_hostile_models import TEXTS  # noqa: PLC0415

    texts = itertools.cycle(TEXTS.values())
    answers = itertools.cycle(
        [*NONSENSE.values(), *(answer(*series) for series in VICTIMS.values())]
    )
    lines = whole(b"".join(METRIC % n for n in range(2400)))
    with (
        serving(lambda _request: Response(next(texts))) as models,
        serving(lambda _request: Response(next(answers))) as prometheus,
        sending(lines) as long,
        sending(HEAD + b"\r\n", b"\n" * 65536) as endless,
    ):
        ports = Ports(models.server_port, prometheus.server_port, long, endless)
        print(json.dumps(asdict(ports)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
