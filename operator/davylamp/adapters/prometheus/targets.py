"""Whose samples they are: a pod counts once, however many scrape it.

A target is known by the labels that Prometheus gives it. Two jobs that scrape one pod make two
targets of it, and which of them is meant nobody can know: they may read one port twice, or the ports
of two processes. So two targets are a bad answer, which says what to change.

* A target that ended before another began (a job got another name) goes on in that.
* Replicas, such as both of a highly available pair of Prometheus, are told by `replica_labels`. Each
  of them has read everything, so one of them is taken.
* Scrapes at times that alternate, under labels that nobody told of, are two targets as well.
* A model has three Services, so a ServiceMonitor that selects them scrapes a pod through more than one.
  That is one port of one process: one of the Services is read, as of replicas.
"""

import heapq
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from davylamp.adapters.errors import SourceError
from davylamp.adapters.prometheus.matchers import METRIC_NAME, Matcher
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import CounterSeries, bad_answer
from davylamp.schema.text import one_line

_Target: TypeAlias = tuple[str, ...]

TARGET_LABELS: Final = ("job", "instance", "prometheus", "prometheus_replica")
"""Labels by which a scrape's target is known, besides the pod's."""
ENOUGH_TO_FOLLOW: Final = 2
"""Samples after the last one of another target that show that this one took its place."""
ENOUGH_AHEAD: Final = 2
"""Samples that another replica must have more of, to be read instead of the first one."""
TURNS: Final = 3
"""Changes from one's scrapes to another's and back that no restart explains."""
SERVICE_LABEL: Final = "service"
"""The Service through which a pod was found, as the Prometheus operator says of a ServiceMonitor's targets."""
_AT_A_PORT: Final = re.compile(r".+:[0-9]+")
"""An `instance` as Prometheus makes it: at one there is one process."""
_LONGEST_VALUE: Final = 63


@dataclass(slots=True)
class _Scraped:
    """Series that were scraped together, and when."""

    series: list[CounterSeries] = field(default_factory=list)
    times: set[float] = field(default_factory=set)

    def add(self, series: CounterSeries) -> None:
        """Take in one more series."""
        self.series.append(series)
        self.times.update(_times(series))

    def ended_before(self, other: "_Scraped") -> bool:
        """Whether this one's scrapes were over before the other's began, and the other's go on."""
        return max(self.times) < min(other.times) and len(other.times) >= ENOUGH_TO_FOLLOW


def of_one_target(query: CounterQuery, series: Iterable[CounterSeries]) -> list[CounterSeries]:
    """Those series of a pod that are added up: of its only target, in one replica.

    Args:
        query: what was asked.
        series: of one pod.

    Raises:
        SourceError: BadAnswer, where the pod has two targets at a time.
    """
    replicas = frozenset(query.series.replica_labels)
    by_target: dict[_Target, dict[_Target, _Scraped]] = {}
    for item in series:
        if _is_needed(query, item):
            others = replicas | {"job"} if _is_through_service(item.labels) else replicas
            target = _values(item.labels, (label for label in TARGET_LABELS if label not in others))
            replica = _values(item.labels, sorted(others))
            by_target.setdefault(target, {}).setdefault(replica, _Scraped()).add(item)
    targets = [_best([of[replica] for replica in sorted(of)]) for of in by_target.values()]
    scraped_ones = sorted(
        (t for t in targets if t.times), key=lambda t: (min(t.times), max(t.times))
    )
    for one, other in pairwise(scraped_ones):
        if not one.ended_before(other):
            raise _twice(query, one, other)
    return [item for scraped in targets for item in _of_one_clock(query, scraped)]


def _is_through_service(labels: Mapping[str, str]) -> bool:
    """Whether a pod's port was found through a Service; its `job` is the Service's name then."""
    is_one_process = _AT_A_PORT.fullmatch(labels.get("instance", "")) is not None
    return is_one_process and SERVICE_LABEL in labels


def _is_needed(query: CounterQuery, series: CounterSeries) -> bool:
    """Whether anything of a series counts; what cannot be counted is refused later."""
    if series.histograms is not None:
        return True
    name = series.labels.get(METRIC_NAME, "")
    return bool(series.values) and query.channel.role(query.series, name, series.labels) is not None


def _best(replicas: Sequence[_Scraped]) -> _Scraped:
    """The first replica by its labels, unless it misses scrapes that another has."""
    first = replicas[0]
    fullest = max(replicas, key=lambda replica: len(replica.times))
    is_ahead = len(fullest.times) >= len(first.times) + ENOUGH_AHEAD
    return fullest if is_ahead else first


def _of_one_clock(query: CounterQuery, scraped: _Scraped) -> list[CounterSeries]:
    """The series of a target, which was scraped at one time: nothing of one scrape has two times.

    The two with the most scrapes are compared: an answer may have thousands that share none.
    """
    two = heapq.nlargest(2, _clocks(scraped.series), key=lambda clock: len(clock.times))
    if len(two) < 2 or _turns(two[0].times, two[1].times) < TURNS:
        return scraped.series
    one, other = (clock.series[0].labels for clock in two)
    are_services = _is_through_service(one) and _is_through_service(other)
    if are_services and one[SERVICE_LABEL] != other[SERVICE_LABEL]:
        return two[0].series
    raise _twice(query, *two)


def _clocks(series: Iterable[CounterSeries]) -> list[_Scraped]:
    """Series by the scrapes that they share, one after another; as quick as there are samples."""
    first: dict[float, int] = {}
    """The first series that has a sample at a time."""
    parents: list[int] = []
    known = list(series)

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for number, item in enumerate(known):
        parents.append(number)
        for time in _times(item):
            parents[root(number)] = root(first.setdefault(time, number))
    clocks: dict[int, _Scraped] = {}
    for number, item in enumerate(known):
        clocks.setdefault(root(number), _Scraped()).add(item)
    return list(clocks.values())


def _turns(one: Collection[float], other: Collection[float]) -> int:
    """How often the scrapes change from one to the other."""
    whose = [time in one for time in sorted({*one, *other})]
    return sum(before != after for before, after in pairwise(whose))


def _times(series: CounterSeries) -> Iterator[float]:
    yield from series.values
    yield from series.histograms or ()


def _values(labels: Mapping[str, str], names: Iterable[str]) -> _Target:
    return tuple(labels.get(name, "") for name in names)


# --- what is told ---------------------------------------------------------------------------------


def _twice(query: CounterQuery, this: _Scraped, that: _Scraped) -> SourceError:
    names, one, other = query.series, this.series[0].labels, that.series[0].labels
    pod = f"{one.get(names.namespace_label, '')}/{one.get(names.pod_label, '')}"
    differing = _differing(query, this, that)
    advice = _advice(query, differing, one)
    return bad_answer(
        f"pod {pod} is scraped twice, as {_shown(differing, one)} and as {_shown(differing, other)}, "
        f"which would count every request twice: {advice}"
    )


def _differing(query: CounterQuery, one: _Scraped, other: _Scraped) -> tuple[str, ...]:
    """Labels that tell both apart, whichever of their series are compared.

    Those of targets, else whatever there is.
    """

    def tells_apart(label: str) -> bool:
        mine = {series.labels.get(label) for series in one.series}
        return mine.isdisjoint(series.labels.get(label) for series in other.series)

    known = tuple(filter(tells_apart, TARGET_LABELS))
    own = {METRIC_NAME, "le", query.series["code_label"]}
    rest = {label for series in (*one.series, *other.series) for label in series.labels} - own
    return known or tuple(filter(tells_apart, sorted(rest)))


def _shown(names: Iterable[str], labels: Mapping[str, str]) -> str:
    """Labels of a target as in PromQL; they are those of the scrape configuration."""
    matchers = (Matcher(name, "=", _word(labels.get(name, ""))) for name in names)
    return f"{{{', '.join(matcher.text for matcher in matchers)}}}"


def _advice(query: CounterQuery, differing: Sequence[str], labels: Mapping[str, str]) -> str:
    """What to write into the chart's values, or to take out of the scrape configuration."""
    if "job" in differing:
        job = Matcher("job", "=", _word(labels.get("job", ""))).text
        selector = ", ".join(filter(None, (query.channel.selector(query.series), job)))
        return (
            "let one job scrape it, or choose one in the chart's value "
            f"prometheus.{_value_of(query)}: '{selector}'"
        )
    if "instance" in differing:
        return (
            "scrape one port of it, or choose one by a matcher for instance in the chart's value "
            f"prometheus.{_value_of(query)}"
        )
    replica = ", ".join(differing)
    return f"if these are replicas of one Prometheus, set the chart's prometheus.replicaLabels=[{replica}]"


def _value_of(query: CounterQuery) -> str:
    """The chart's value that holds the selector of a channel."""
    names = (setting.name for setting in query.channel.settings)
    selector = next((name for name in names if name.endswith("_selector")), "requests_selector")
    return selector.replace("_", ".")


def _word(text: str) -> str:
    return one_line(text, limit=_LONGEST_VALUE)
