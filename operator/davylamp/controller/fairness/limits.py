"""How much one namespace may have looked after at a time. Ordinary teams never get near it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The chart's `limits`, each for one namespace.

    Attributes:
        rollouts: that are judged at a time; others wait before their first traffic.
        user_queries: of all its gates that are asked; other gates have no data.
        scraped_pods: of one rollout that are scraped directly; larger ones are read from Prometheus.
        shown_models: that have series of their own in the operator's metrics.
    """

    rollouts: int = 100
    user_queries: int = 100
    scraped_pods: int = 200
    shown_models: int = 500


DEFAULT_LIMITS: Final = Limits()
