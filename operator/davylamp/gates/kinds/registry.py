"""The one list of gate kinds, in the order in which a spec, a CRD and the documents name them."""

from __future__ import annotations

from typing import Final

from davylamp.gates import verdicts
from davylamp.gates.channels import Channel, SeriesSetting
from davylamp.gates.kinds.base import AnyKind, complete
from davylamp.gates.kinds.bias import BiasKind
from davylamp.gates.kinds.error_rate import ErrorRateKind
from davylamp.gates.kinds.explanations import ExplanationsKind
from davylamp.gates.kinds.latency import LatencyKind
from davylamp.gates.kinds.predictions import PredictionsKind
from davylamp.gates.kinds.query import QueryKind
from davylamp.schema.models import Strict

KINDS: Final[tuple[AnyKind, ...]] = (
    complete(ErrorRateKind),
    complete(LatencyKind),
    complete(PredictionsKind),
    complete(ExplanationsKind),
    complete(BiasKind),
    complete(QueryKind),
)

CHANNELS: Final[tuple[Channel, ...]] = tuple(
    dict.fromkeys(kind.channel for kind in KINDS if kind.channel is not None)
)
"""All that is read of pods."""

SERIES_SETTINGS: Final[tuple[SeriesSetting, ...]] = tuple(
    dict.fromkeys(setting for channel in CHANNELS for setting in channel.settings)
)
"""How the series of all channels are called."""

REASONS: Final[tuple[str, ...]] = (
    *dict.fromkeys(
        reason
        for kind in KINDS
        for rule in kind.rules
        for reason in (rule.worse_reason, rule.acceptable_reason)
    ),
    *verdicts.COMMON_REASONS,
)
"""Every reason that a judgement may have."""

_BY_FIELD: Final = {kind.field: kind for kind in KINDS}
_BY_SPEC: Final = {kind.spec: kind for kind in KINDS}
_BY_CHANNEL: Final = {channel.name: channel for channel in CHANNELS}
assert len(_BY_FIELD) == len(KINDS)  # noqa: S101  (two kinds of one field)
assert len(_BY_SPEC) == len(KINDS)  # noqa: S101  (two kinds of one admission model)
assert len(_BY_CHANNEL) == len(CHANNELS)  # noqa: S101  (two channels of one name)
assert len({s.name for s in SERIES_SETTINGS}) == len(SERIES_SETTINGS)  # noqa: S101  (two defaults)


def kind_of(settings: Strict) -> AnyKind:
    """The kind whose admission model some settings are of."""
    return _BY_SPEC[type(settings)]


def channel_named(name: str) -> Channel:
    """The channel that is called so in files.

    Raises:
        ValueError: there is none.
    """
    if name not in _BY_CHANNEL:
        raise ValueError(f"there is no channel {name!r}; there are: {', '.join(_BY_CHANNEL)}")
    return _BY_CHANNEL[name]
