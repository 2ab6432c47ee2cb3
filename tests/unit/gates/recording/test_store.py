"""What the gates saw is kept small, loses no request, and reads back as it was."""

import itertools
import random

import pytest

from davylamp.gates import ERRORS, GROUPS, LATENCY, SCORES
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.recording import thinning
from davylamp.gates.recording.store import (
    MOST_LINES,
    MOST_SAMPLES,
    Recording,
    noted,
    parts_to_csv,
    read_csv,
    thinner,
    to_csv,
)
from davylamp.gates.samples import Arm, Sample, Scrapes, increment

NAMES = {Arm.STABLE: "1a2b3c4d5e", Arm.CANDIDATE: "9f8e7d6c5b"}


def taken(*samples, arm="stable", until=None, pod="risk-a"):
    last = max(sample.time for sample in samples) if until is None else until
    return Scrapes(until=last, **{arm: {pod: samples}})


def kept(recording, channel=ERRORS):
    """Samples by side and pod, as they come out of the file."""
    text = (to_csv if channel is ERRORS else parts_to_csv)(recording, NAMES)
    found = read_csv(text, NAMES)[channel]
    return {
        (arm, pod): list(samples)
        for arm in ("stable", "candidate")
        for pod, samples in getattr(found, arm).items()
    }


def grown(
    pods, scrapes, *, step=5.0, apart=0.9, rate=7, restarts=frozenset(), channel=ERRORS, parts=0
):
    """A recording of pods, scraped in turn within a part of the step, and all that was noted."""
    recording, counters, all_of_it = Recording(), {}, {}
    for number in range(scrapes):
        at = 1_000_000.0 + number * step
        sides = {"stable": {}, "candidate": {}}
        for i in range(pods):
            arm = "candidate" if i % 4 == 0 else "stable"
            pod = f"risk-{i}"
            total = 0 if (i, number) in restarts else counters.get(i, 0)
            counters[i] = total + rate
            names = {f"{k / 10}": float(counters[i] * (k + 1)) for k in range(parts)}
            errors = 0.0 if parts else float(counters[i] // 10)
            sample = Sample(at + apart * i * step / pods, float(counters[i]), errors, names)
            sides[arm][pod] = (sample,)
            all_of_it.setdefault((arm, pod), []).append(sample)
        recording = noted(recording, channel, Scrapes(until=at + step * 0.95, **sides))
    return recording, all_of_it


def requests(samples):
    """Requests counted from the first sample on, restarts included."""
    pairs = itertools.pairwise(samples)
    return sum(increment(a, b).requests for a, b in pairs)


def test_the_file_has_one_line_for_each_sample_in_the_order_of_time():
    recording = noted(
        Recording(),
        ERRORS,
        Scrapes(
            until=20.0,
            stable={"risk-b": (Sample(5.5, 100.0, 1.0), Sample(10.5, 250.0, 1.0))},
            candidate={"risk-a": (Sample(7.0, 3.0, 3.0),)},
        ),
    )
    assert to_csv(recording, NAMES) == (
        "time,pod,revision,requests,errors\n"
        "5.5,risk-b,1a2b3c4d5e,100,1\n"
        "7,risk-a,9f8e7d6c5b,3,3\n"
        "10.5,risk-b,1a2b3c4d5e,250,1\n"
    )
    assert parts_to_csv(recording, NAMES) == ""


def test_parts_have_a_line_each_in_a_file_of_their_own():
    recording = noted(
        Recording(),
        LATENCY,
        taken(Sample(5.0, 10.0, 0.0, {"0.1": 7.0, "0.25": 9.0}), arm="candidate"),
    )
    recording = noted(recording, GROUPS, taken(Sample(4.0, 2.0, 0.0, {"a,b/rows": 2.0})))
    recording = noted(recording, SCORES, taken(Sample(6.0, 0.0)))
    assert parts_to_csv(recording, NAMES) == (
        "time,pod,revision,channel,requests,part,value\n"
        '4,risk-a,1a2b3c4d5e,groups,2,"a,b/rows",2\n'
        "5,risk-a,9f8e7d6c5b,latency,10,0.1,7\n"
        "5,risk-a,9f8e7d6c5b,latency,10,0.25,9\n"
        "6,risk-a,1a2b3c4d5e,scores,0,,\n"
    )
    assert to_csv(recording, NAMES) == "time,pod,revision,requests,errors\n"


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
def test_what_is_read_is_exactly_what_was_written(channel):
    chance = random.Random(channel.name)
    names = [] if channel is ERRORS else ["0.005", "+Inf", 'a "quoted", one/rows', "ä\nb"]
    names = [channel.stored_part(name) for name in names]
    stream, at = [], 1.79e9
    for _ in range(200):
        at += chance.random() * 1e-3
        numbers = [10 ** chance.uniform(-8, 14.9) for _ in range(2 + len(names))]
        errors = numbers[1] if channel is ERRORS else 0.0
        parts = dict(zip(names, numbers[2:], strict=True))
        stream.append(Sample(at, round(numbers[0], chance.randint(0, 9)), errors, parts))
    recording = noted(Recording(), channel, taken(*stream))
    again = noted(
        Recording(),
        channel,
        Scrapes(at, stable={"risk-a": kept(recording, channel)["stable", "risk-a"]}),
    )
    assert kept(recording, channel) == {("stable", "risk-a"): stream}
    assert again == recording


def test_lines_of_other_revisions_are_passed_over():
    text = "time,pod,revision,requests,errors\n1,a,1a2b3c4d5e,5,0\n2,b,0000000000,9,9\n"
    found = read_csv(text, NAMES)
    assert found == {ERRORS: Scrapes(until=1.0, stable={"a": [Sample(1.0, 5.0)]}, candidate={})}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the header must be time,pod,revision,requests,errors"),
        ("time,pod,requests\n", "the header must be"),
        ("time,pod,revision,requests,errors\n1,a,b,5,0\nsoon,a,b,5,0\n", "line 3: soon,a,b,5,0"),
        ("time,pod,revision,requests,errors\n1,a,b,5\n", "line 2: 1,a,b,5"),
        (
            "time,pod,revision,channel,requests,part,value\n1,a,b,colours,1,x,1\n",
            "line 2: 1,a,b,colours",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_line(text, told):
    with pytest.raises(ValueError) as refused:
        read_csv(text, NAMES)
    assert told in str(refused.value)


def test_repeated_and_late_samples_are_passed_over_and_early_ones_wait():
    first, second, early = Sample(5.0, 10.0), Sample(10.0, 20.0), Sample(15.0, 30.0)
    once = noted(Recording(), ERRORS, taken(first, second, early, until=12.0))
    assert kept(once) == {("stable", "risk-a"): [first, second]}
    twice = noted(once, ERRORS, taken(Sample(7.0, 12.0), second, early, until=13.0))
    assert kept(twice) == kept(once)
    assert kept(noted(twice, ERRORS, taken(early, until=16.0)))["stable", "risk-a"][-1] == early


def test_a_recording_is_a_value_that_later_samples_do_not_change():
    before, _ = grown(2, 10)
    text = to_csv(before, NAMES)
    noted(before, ERRORS, taken(Sample(2e6, 1000.0)))
    assert to_csv(before, NAMES) == text


def test_a_short_rollout_is_kept_whole():
    recording, everything = grown(8, MOST_SAMPLES // 8)
    assert kept(recording) == everything


def test_a_long_one_is_bounded_and_loses_no_request():
    restarts = {(3, 40), (4, 41), (4, 300), (7, 1500)}
    recording, everything = grown(8, 3000, restarts=restarts)
    assert MOST_SAMPLES / 2 < recording.samples <= MOST_SAMPLES
    for key, samples in everything.items():
        left = kept(recording)[key]
        assert (left[0], left[-1]) == (samples[0], samples[-1])
        assert requests(left) == requests(samples)
        assert set(map(repr, left)) <= set(map(repr, samples))


def test_the_restart_of_a_pod_keeps_both_its_sides():
    restarts = {(1, 200)}
    recording, everything = grown(4, 6000, restarts=restarts)
    before, after = everything["stable", "risk-1"][199:201]
    left = kept(recording)["stable", "risk-1"]
    assert left[left.index(before) + 1] == after
    assert before.requests > after.requests


def test_what_is_old_is_coarser_than_what_is_new():
    recording, _ = grown(4, 4000, step=5.0)
    times = [sample.time for sample in kept(recording)["stable", "risk-1"]]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[-100:] == [5.0] * 100
    assert sum(gaps[:20]) > 20 * 4 * 5.0


@pytest.mark.parametrize(("apart", "gaps_between"), [(0.0, 0.0), (0.9, 1.0)])
def test_pods_lose_the_same_rounds(apart, gaps_between):
    recording, _ = grown(4, 4000, apart=apart)
    times = [[s.time for s in samples[1:-1]] for samples in kept(recording).values()]
    for mine, other in itertools.permutations(times, 2):
        for at, later in itertools.pairwise(mine):
            nearest = min(abs(at - t) for t in other)
            assert nearest <= gaps_between * (later - at)


def test_an_idle_pod_is_thinned_like_the_others():
    recording, _ = grown(4, 4000, rate=0)
    assert recording.samples <= MOST_SAMPLES


def test_samples_with_many_parts_are_bounded_by_their_lines():
    recording, everything = grown(4, 2000, channel=LATENCY, parts=20)
    lines = parts_to_csv(recording, NAMES).count("\n") - 1
    assert MOST_LINES / 2 < lines <= MOST_LINES
    for key, samples in everything.items():
        assert requests(kept(recording, LATENCY)[key]) == requests(samples)


def test_a_restart_that_only_a_part_shows_is_kept():
    rising = [Sample(float(t), float(t), 0.0, {"0.1": float(t)}) for t in range(1, 20_000)]
    rising[100] = Sample(101.0, 101.0, 0.0, {"0.1": 0.0})
    recording = Recording()
    for at in range(0, len(rising), 100):
        recording = noted(recording, LATENCY, taken(*rising[at : at + 100]))
    recording = thinner(recording)
    left = kept(recording, LATENCY)["stable", "risk-a"]
    assert all(each in left for each in rising[99:101])
    assert len(left) < MOST_LINES


def test_more_pods_than_may_be_kept_are_all_kept_at_their_ends():
    recording, everything = grown(MOST_SAMPLES, 6)
    left = kept(recording)
    assert all((left[k][0], left[k][-1]) == (s[0], s[-1]) for k, s in everything.items())
    assert recording.samples <= 3 * MOST_SAMPLES


def test_a_thinner_one_is_about_half_and_loses_no_request():
    recording, everything = grown(8, 400, restarts={(2, 100)})
    less = thinner(recording)
    assert 0.45 * recording.samples < less.samples < 0.6 * recording.samples
    assert all(
        requests(kept(less)[key]) == requests(samples) for key, samples in everything.items()
    )
    assert to_csv(thinner(Recording()), NAMES) == "time,pod,revision,requests,errors\n"


def touched(work):
    """Samples looked at to thin a recording while `work` is done."""
    count, real = 0, thinning.thinned

    def counted(recording, until):
        nonlocal count
        count += recording.lines
        return real(recording, until)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thinning, "thinned", counted)
        work()
    return count


def test_the_cost_of_a_sample_does_not_grow_with_the_recording():
    assert touched(lambda: grown(8, 5000)) < 8 * 40_000


def test_a_long_catch_up_in_one_answer_is_bounded_too():
    samples = [Sample(float(t), float(t)) for t in range(21_600)]
    assert touched(lambda: noted(Recording(), ERRORS, taken(*samples))) < 8 * len(samples)
    assert noted(Recording(), ERRORS, taken(*samples)).samples <= MOST_SAMPLES


@pytest.mark.parametrize("parts", [{}, {"a": 3.0, "b": 4.0}])
def test_errors_of_a_channel_are_kept_with_or_without_parts(parts):
    samples = [Sample(1.0, 5.0, 0.0, parts), Sample(2.0, 9.0, 2.5, parts)]
    recording = noted(Recording(), GROUPS, taken(*samples))
    read = read_csv(parts_to_csv(recording, NAMES), NAMES)[GROUPS]
    assert list(read.stable["risk-a"]) == samples
