"""Objects that cannot be parsed, or are too heavy, harm nobody but themselves."""

from pathlib import Path

import pytest
from tests.process.apiserver import KINDS, ByteServer, Place
from tests.process.objects import (
    BROKEN,
    HEAVY,
    MEGABYTE,
    ODD,
    TENANT,
    child,
    model,
    model_place,
)
from tests.process.operatorprocess import OperatorProcess, operator_process

LIMIT = 384.0
"""MiB that the chart gives the operator."""
IN_TIME = 0.25
"""Seconds within which the event loop answers, whatever else it does."""
UNREAD = HEAVY | BROKEN


def is_followed(api: ByteServer, name: str) -> bool:
    """Whether a model has a status, and a record of its revision."""
    has_record = any(
        place.plural == "controllerrevisions" and place.name.startswith(f"{name}-")
        for place in list(api.objects)
    )
    return has_record and bool(api.status_of(model_place(name)))


def ready(api: ByteServer, name: str) -> dict[str, str]:
    """The condition Ready of a model."""
    conditions = api.status_of(model_place(name)).get("conditions", [])
    return next((c for c in conditions if c["type"] == "Ready"), {})


def unread_of(plural: str) -> int:
    """How many of the values make an object of a kind unreadable: a ConfigMap may be large."""
    return len(UNREAD) - (2 if plural == "configmaps" else 0)


def refused(api: ByteServer, name: str) -> bool:
    return ready(api, name).get("reason") == "InvalidSpec"


def is_harmless(operator: OperatorProcess) -> bool:
    return operator.is_alive and operator.peak < LIMIT and operator.slowest < IN_TIME


async def test_models_that_cannot_be_read_are_told_so_and_others_go_on(
    api: ByteServer, tmp_path: Path
) -> None:
    """On the list with which the operator starts, and then on the watch."""
    api.put(model_place("before"), model("before"))
    for name, template in (UNREAD | ODD).items():
        api.put(model_place(name), model(name, template))
    api.put(model_place("good"), model("good"))
    async with operator_process(api.port, tmp_path) as operator:
        await operator.until(lambda: is_followed(api, "before") and is_followed(api, "good"))
        await operator.until(lambda: all(refused(api, name) for name in UNREAD))
        for name, template in (UNREAD | ODD).items():
            api.put(model_place(f"late-{name}"), model(f"late-{name}", template))
        api.put(model_place("after"), model("after"))
        await operator.until(lambda: is_followed(api, "after"))
        await operator.until(lambda: all(refused(api, f"late-{name}") for name in UNREAD))
        assert is_harmless(operator), (operator.peak, operator.slowest)
        assert "make it smaller" in ready(api, "deep")["message"]
        assert "64 levels" in ready(api, "deep")["message"]
        unread = 'davylamp_unread_objects{kind="ModelDeployment"}'
        await operator.until_metric(unread, 2 * len(UNREAD))
        lists = [query for plural, query in api.queries if plural == "modeldeployments"]
        assert all("limit" in query for query in lists if "watch" not in query)


@pytest.mark.parametrize("plural", ["pods", "configmaps", "services", "deployments"])
async def test_children_that_cannot_be_read_stop_nobody(
    api: ByteServer, operator: OperatorProcess, plural: str
) -> None:
    """They are known by name, told of by an Event, and do not keep their model from being followed."""
    for name, value in UNREAD.items():
        rest = b'"spec":' + value + b',"data":{}'
        api.put(Place(plural, TENANT, name), child(plural, name, rest))
    api.put(model_place("good"), model("good"))
    await operator.until(lambda: is_followed(api, "good"))
    for name, value in UNREAD.items():
        rest = b'"spec":' + value
        api.put(Place(plural, TENANT, f"late-{name}"), child(plural, f"late-{name}", rest))
    api.put(model_place("after"), model("after"))
    await operator.until(lambda: is_followed(api, "after"))

    def told() -> set[str]:
        events = [w.body for w in list(api.writes) if w.place.plural == "events"]
        return {event["involvedObject"]["name"] for event in events}

    await operator.until(lambda: told() & set(UNREAD))
    assert is_harmless(operator), (operator.peak, operator.slowest)
    unread = f'davylamp_unread_objects{{kind="{KINDS[plural][1]}"}}'
    await operator.until_metric(unread, 2 * unread_of(plural))


async def test_what_has_no_name_is_passed_over(api: ByteServer, operator: OperatorProcess) -> None:
    api.put(model_place("good"), model("good"))
    await operator.until(lambda: is_followed(api, "good"))
    for plural in ("modeldeployments", "pods"):
        api.send(plural, b'{"type":"ADDED","object":{"metadata":' + HEAVY["deep-lists"] + b"}}")
        api.send(plural, b'{"type":"ADDED","object":[[[]]]}')
        api.send(plural, b'{"type":"ADDED","object":' + b"[" * MEGABYTE * 6 + b"}")
    api.put(model_place("after"), model("after"))
    await operator.until(lambda: is_followed(api, "after"))
    assert is_harmless(operator), (operator.peak, operator.slowest)
    for kind in ("ModelDeployment", "Pod"):
        await operator.until_metric(f'davylamp_passed_over_objects_total{{kind="{kind}"}}', 3)


async def test_memory_stays_bounded_with_dozens_of_heavy_objects(
    api: ByteServer, operator: OperatorProcess
) -> None:
    """Those that are read, just below the budget, and those that are not."""
    just_below = b'{"a":[' + b"{}," * 19_000 + b'"' + b"x" * 400_000 + b'"]}'
    many = b'{"a":[' + b"{}," * (MEGABYTE // 3) + b"{}]}"
    for number in range(24):
        for name, template in (("below", just_below), ("many", many)):
            place = model_place(f"{name}-{number}")
            api.put(place, model(place.name, template))
        for plural in ("pods", "configmaps"):
            name = f"heavy-{number}"
            api.put(Place(plural, TENANT, name), child(plural, name, b'"data":' + just_below))
    api.put(model_place("good"), model("good"))
    await operator.until(lambda: is_followed(api, "good"))
    await operator.until(lambda: all(refused(api, f"many-{n}") for n in range(24)))
    await operator.until(lambda: all(api.status_of(model_place(f"below-{n}")) for n in range(24)))
    assert is_harmless(operator), (operator.peak, operator.slowest)


async def test_an_error_on_a_watch_ends_nothing(api: ByteServer, operator: OperatorProcess) -> None:
    """kopf would end the process over any error but 410."""
    api.put(model_place("good"), model("good"))
    await operator.until(lambda: is_followed(api, "good"))
    error = b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}}'
    for plural in ("modeldeployments", "pods"):
        api.send(plural, error)
        api.send(plural, b"no JSON at all")
    api.put(model_place("after"), model("after"))
    await operator.until(lambda: is_followed(api, "after"))
    assert operator.is_alive


async def test_a_spec_that_became_too_heavy_leaves_the_status_of_what_serves(
    api: ByteServer, operator: OperatorProcess
) -> None:
    place = model_place("serving")
    api.put(place, model("serving"))
    await operator.until(lambda: is_followed(api, "serving"))
    before = api.status_of(place)
    api.put(place, model("serving", HEAVY["many"]))
    await operator.until(lambda: refused(api, "serving"))
    after = api.status_of(place)
    assert after["candidate"]["revision"] == before["candidate"]["revision"]
