"""How the series that the gates read are called where this runs.

Which names there are, and their defaults, the gate kinds say (`gates.channels`). Everything here
becomes part of a query, so it is checked when it is set.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from typing_extensions import override

from davylamp.adapters.prometheus.matchers import Matcher, parse_matchers
from davylamp.gates.channels import Channel, Form, SeriesSetting
from davylamp.gates.kinds.registry import SERIES_SETTINGS

NAMESPACE_LABEL: Final = SeriesSetting("namespace_label", "namespace", Form.LABEL)
POD_LABEL: Final = SeriesSetting("pod_label", "pod", Form.LABEL)
REPLICA_LABELS: Final = SeriesSetting("replica_labels", "", Form.LABELS)
SETTINGS: Final = {
    setting.name: setting
    for setting in (*SERIES_SETTINGS, NAMESPACE_LABEL, POD_LABEL, REPLICA_LABELS)
}
"""All names, those of the gate kinds first; the labels of a pod are the same for all of them."""


def check(name: str, text: str) -> None:
    """Refuse what would make another query than the one meant.

    Raises:
        ValueError: PromQL does not allow it in its place.
    """
    if SETTINGS[name].form is Form.SELECTOR:
        parse_matchers(text)
    else:
        SETTINGS[name].check(text)


class SeriesNames(Mapping[str, str]):
    """Names of metrics and labels; the defaults are those of the sample model server.

    Args:
        names: those that are not called as by default; each is one of `SETTINGS`.

    Raises:
        ValueError: one of them is not what PromQL allows in its place.
        TypeError: there is no such name.
    """

    __slots__ = ("_names",)

    def __init__(self, **names: str) -> None:
        unknown = names.keys() - SETTINGS.keys()
        if unknown:
            raise TypeError(f"there is no name {', '.join(sorted(unknown))}")
        for name, text in names.items():
            check(name, text)
        self._names = {s.name: names.get(s.name, s.default) for s in SETTINGS.values()}

    @override
    def __getitem__(self, name: str) -> str:
        return self._names[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)

    @override
    def __hash__(self) -> int:
        return hash(tuple(self._names.items()))

    @override
    def __repr__(self) -> str:
        changed = {n: text for n, text in self._names.items() if text != SETTINGS[n].default}
        return f"SeriesNames({', '.join(f'{name}={text!r}' for name, text in changed.items())})"

    @property
    def namespace_label(self) -> str:
        """Label with the pod's namespace."""
        return self._names[NAMESPACE_LABEL.name]

    @property
    def pod_label(self) -> str:
        """Label with the pod's name."""
        return self._names[POD_LABEL.name]

    @property
    def replica_labels(self) -> tuple[str, ...]:
        """Labels that tell replicas of one Prometheus apart, each of which has read everything."""
        return tuple(filter(None, self._names[REPLICA_LABELS.name].split(",")))

    def metrics(self, channel: Channel) -> tuple[str, ...]:
        """The metrics that make up a channel."""
        return channel.metrics(self)

    def matchers(self, channel: Channel) -> tuple[Matcher, ...]:
        """The further matchers of a channel."""
        return parse_matchers(channel.selector(self))
