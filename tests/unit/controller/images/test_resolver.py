"""Registries are asked in the background: once, again where that is demanded, and in turn."""

import asyncio
import math

import pytest
from tests.support.fakeregistries import FakeRegistries, digest_of

from davylamp.adapters.errors import Forbidden
from davylamp.adapters.registries.addresses import LOOK_UPS
from davylamp.controller.cluster.cache import Key
from davylamp.controller.images import resolver as module
from davylamp.controller.images.questions import ImageQuestion
from davylamp.controller.images.resolver import (
    AGAIN,
    OF_A_NAMESPACE,
    SELDOM,
    WATCHED_EVERY,
    ImageResolver,
)
from davylamp.images import ImageFault, Resolved, Unresolved, parse_reference

KEY, OTHER = Key("models", "risk"), Key("others", "price")
A, B = digest_of(0xA), digest_of(0xB)


class Secrets:
    """No Secret may be read, unless a test has some."""

    def __init__(self):
        self.items = {}

    async def get(self, kind, namespace, name):
        if name not in self.items:
            raise Forbidden("secrets may not be read")
        return self.items[name]


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def registries():
    made = FakeRegistries()
    made.tags = {"v1": A, "v2": B}
    return made


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def news():
    return []


@pytest.fixture
def secrets():
    return Secrets()


@pytest.fixture
def resolver(registries, secrets, clock, news):
    return ImageResolver(
        registries, secrets, on_news=news.append, clock=clock, spread=lambda most: most / 2
    )


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (what it waits for sets no event)
            await asyncio.sleep(0)


def question(tag="v1", namespace="models", **more):
    reference = parse_reference("registry.example/model", tag)
    return ImageQuestion(namespace, reference, **more)


async def test_an_answer_is_there_after_it_was_asked_for_and_is_asked_once(
    resolver, registries, news
):
    assert resolver.answer(KEY, "r1", question()) is None
    await resolver.poll()
    assert news == [KEY]
    for _ in range(3):
        assert resolver.answer(KEY, "r1", question()) == Resolved(A)
        await resolver.poll()
    assert len(registries.asked) == 1


async def test_another_question_about_a_revision_is_asked_anew(resolver, registries):
    resolver.answer(KEY, "r1", question())
    await resolver.poll()
    assert resolver.answer(KEY, "r1", question(keys=("k",), demanded=True)) is None
    await resolver.poll()
    assert len(registries.asked) == 2


async def test_what_is_demanded_is_asked_again_and_less_and_less_often(
    resolver, registries, clock, news
):
    registries.down = True
    demanded = question(demanded=True)
    resolver.answer(KEY, "r1", demanded)
    pauses = []
    for _ in range(8):
        asked, began = len(registries.asked), clock.now
        while len(registries.asked) == asked:
            await resolver.poll()
            clock.now += 1
        pauses.append(clock.now - began)
    assert pauses[1] <= AGAIN + 1
    assert pauses == sorted(pauses)
    assert pauses[-1] <= SELDOM + 1
    assert news == [KEY]
    registries.down = False
    clock.now += SELDOM
    await resolver.poll()
    assert resolver.answer(KEY, "r1", demanded) == Resolved(A)
    assert news == [KEY, KEY]


async def test_what_may_go_on_by_its_tag_is_asked_once(resolver, registries, clock):
    registries.down = True
    resolver.answer(KEY, "r1", question())
    for _ in range(100):
        await resolver.poll()
        clock.now += 60
    assert len(registries.asked) == 1


async def test_what_nobody_rolls_out_any_more_is_dropped(resolver, registries):
    for number in range(50):
        resolver.answer(KEY, f"r{number}", question(f"v{number}"))
    await resolver.poll()
    assert [tag for tag, _, _ in registries.asked] == ["v49"]
    resolver.forget(KEY)
    await resolver.poll()
    assert len(registries.asked) == 1


async def test_tags_are_watched_once_in_an_hour(resolver, registries, clock, news):
    tags = {"r1": question()}
    assert resolver.watch(KEY, tags, now=None) == {}
    await resolver.poll()
    assert not registries.asked
    for _ in range(3 * 60):
        await resolver.poll()
        clock.now += 60
    assert len(registries.asked) == 3
    assert resolver.watch(KEY, tags, now=None) == {"r1": Resolved(A)}
    assert news == [KEY]
    registries.tags["v1"] = B
    clock.now += WATCHED_EVERY
    await resolver.poll()
    assert resolver.watch(KEY, tags, now=None) == {"r1": Resolved(B)}
    assert news == [KEY, KEY]


async def test_the_tag_of_what_is_rolled_out_is_looked_at_at_once(resolver, registries):
    resolver.watch(KEY, {"r1": question(), "r2": question("v2")}, now="r2")
    await resolver.poll()
    assert [tag for tag, _, _ in registries.asked] == ["v2"]


async def test_what_was_resolved_for_the_record_is_not_asked_again(resolver, registries, clock):
    resolver.answer(KEY, "r1", question(demanded=True))
    await resolver.poll()
    assert resolver.watch(KEY, {"r1": question()}, now="r1") == {"r1": Resolved(A)}
    await resolver.poll()
    assert len(registries.asked) == 1
    clock.now += WATCHED_EVERY
    await resolver.poll()
    assert len(registries.asked) == 2


async def test_a_registry_that_is_down_says_nothing_about_a_watched_tag(
    resolver, registries, clock
):
    resolver.watch(KEY, {"r1": question()}, now="r1")
    await resolver.poll()
    registries.down = True
    clock.now += WATCHED_EVERY
    await resolver.poll()
    assert resolver.watch(KEY, {"r1": question()}, now=None) == {"r1": Resolved(A)}


async def test_pull_secrets_that_cannot_be_read_are_left_out(resolver, registries, secrets):
    secrets.items["b"] = {"metadata": {"name": "b"}}
    resolver.answer(KEY, "r1", question(secrets=("a", "b")))
    await resolver.poll()
    assert registries.asked == [("v1", None, ("b",))]


async def test_a_bug_is_an_answer_too(resolver, registries, caplog):
    registries.tags = None
    resolver.answer(KEY, "r1", question())
    await resolver.poll()
    answer = resolver.answer(KEY, "r1", question())
    assert isinstance(answer, Unresolved)
    assert answer.fault is ImageFault.UNREACHABLE
    assert "could not be asked" in caplog.text


class Busy:
    """Registries that have no time at first."""

    def __init__(self, refusals):
        self.refusals = refusals
        self.asked = 0

    async def resolve(self, reference, **_):
        self.asked += 1
        if self.asked <= self.refusals:
            return Unresolved(ImageFault.BUSY, "registry registry.example answered 503")
        return Resolved(A)


@pytest.mark.parametrize(("refusals", "resolved"), [(2, True), (1_000_000, False)])
async def test_a_busy_registry_is_asked_again_as_long_as_there_is_time(
    secrets, news, monkeypatch, refusals, resolved
):
    monkeypatch.setattr(module, "SOON", 0.001)
    monkeypatch.setattr(module, "LONGEST", 5.0 if resolved else 0.1)
    busy = Busy(refusals)
    resolver = ImageResolver(busy, secrets, on_news=news.append)
    resolver.answer(KEY, "r1", question())
    await resolver.poll()
    answer = resolver.answer(KEY, "r1", question())
    assert isinstance(answer, Resolved) is resolved
    assert busy.asked > 2
    if not resolved:
        assert answer.message == "registry registry.example answered 503"


class Silent:
    """Registries that never answer about one namespace's repositories."""

    def __init__(self, silent):
        self.silent = silent
        self.at_once = self.most = 0

    async def resolve(self, reference, **_):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if reference.name.startswith(self.silent):
                await asyncio.Event().wait()
            return Resolved(A)
        finally:
            self.at_once -= 1


async def test_a_silent_registry_keeps_no_other_namespace_waiting(secrets, news, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 0.2)
    silent = Silent("hostile")
    resolver = ImageResolver(silent, secrets, on_news=news.append)
    for number in range(40):
        reference = parse_reference("registry.example/hostile", f"v{number}")
        asked = ImageQuestion("models", reference)
        resolver.answer(Key("models", f"m{number}"), "r", asked)
    running = asyncio.create_task(resolver.run())
    await until(lambda: silent.at_once == OF_A_NAMESPACE)
    resolver.answer(OTHER, "r", question(namespace="others"))
    await until(lambda: OTHER in news)
    assert silent.most <= OF_A_NAMESPACE + 1
    await until(lambda: len(news) == 41)
    running.cancel()
    reference = parse_reference("registry.example/hostile", "v39")
    answer = resolver.answer(Key("models", "m39"), "r", ImageQuestion("models", reference))
    assert isinstance(answer, Unresolved)
    assert "no answer within 0.2 s" in answer.message


async def test_silent_registries_of_very_many_namespaces_take_no_digest_from_a_neighbour(
    secrets, news, monkeypatch
):
    """Who waits for a turn loses none of its time: else it would run by its tag, and its registry be blamed."""
    monkeypatch.setattr(module, "LONGEST", 0.2)
    resolver = ImageResolver(Silent("hostile"), secrets, on_news=news.append)
    reference = parse_reference("registry.example/hostile", "v1")
    for number in range(60):
        namespace = f"hostile-{number}"
        resolver.answer(Key(namespace, "m"), "r", ImageQuestion(namespace, reference))
    resolver.answer(OTHER, "r", question(namespace="others"))
    running = asyncio.create_task(resolver.run())
    await until(lambda: OTHER in news)
    running.cancel()
    assert resolver.answer(OTHER, "r", question(namespace="others")) == Resolved(A)


def test_look_ups_of_names_that_hang_leave_threads_to_others():
    """A look-up cannot be cancelled: two attempts of 5 s for each of four names, as `ndots:5` makes them."""
    begun_each_second = 2 * OF_A_NAMESPACE / module.LONGEST
    assert begun_each_second * 2 * 5 * 4 <= LOOK_UPS - 2 * OF_A_NAMESPACE


async def test_it_sleeps_while_there_is_nothing_to_ask(resolver, registries, news):
    running = asyncio.create_task(resolver.run())
    await asyncio.sleep(0)
    resolver.answer(KEY, "r1", question())
    await until(lambda: news)
    assert resolver._agenda.idle_for() is None
    running.cancel()


class Slow:
    """Registries that need some time for each answer; dead after some of them."""

    def __init__(self, seconds, alive=math.inf):
        self.seconds, self.alive, self.asked = seconds, alive, 0

    async def resolve(self, reference, **_):
        self.asked += 1
        if self.asked > self.alive:
            return Unresolved(ImageFault.UNREACHABLE, "registry r cannot be reached")
        await asyncio.sleep(self.seconds)
        return Resolved(A)


def fleet(number):
    return {Key("models", f"m{n}"): question(f"v{n}") for n in range(number)}


async def test_to_wait_for_a_turn_is_no_fault_of_the_registry(secrets, news, monkeypatch):
    """A whole fleet gets new tags at once: each is pinned, although all together take longer."""
    monkeypatch.setattr(module, "LONGEST", 0.2)
    resolver = ImageResolver(Slow(0.02), secrets, on_news=news.append)
    models = fleet(60)
    for key, asked in models.items():
        resolver.answer(key, "r", asked)
    await resolver.poll()
    assert {resolver.answer(key, "r", asked) for key, asked in models.items()} == {Resolved(A)}


async def test_those_who_wait_for_a_dead_registry_are_told_together(secrets, news):
    registries = Slow(0, alive=3)
    resolver = ImageResolver(registries, secrets, on_news=news.append)
    models = fleet(500)
    for key, asked in models.items():
        resolver.answer(key, "r", asked)
    await resolver.poll()
    answers = [resolver.answer(key, "r", asked) for key, asked in models.items()]
    assert answers.count(Resolved(A)) == 3
    assert registries.asked <= 3 + module.SILENT_AFTER + OF_A_NAMESPACE
    registries.alive = math.inf
    resolver.answer(OTHER, "r", question(namespace="models"))
    await resolver.poll()
    assert resolver.answer(OTHER, "r", question(namespace="models")) == Resolved(A)
