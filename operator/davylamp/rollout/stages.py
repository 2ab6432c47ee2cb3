"""Which stages of a candidate have something in common."""

from typing import Final

from davylamp.api.status import Stage

ON_THE_CLOCK: Final = frozenset({Stage.PREPARING, Stage.CANARY})
"""The deadline clock of a rollout runs."""
IN_TRAFFIC: Final = frozenset({Stage.CANARY, Stage.PROMOTING})
"""The candidate gets traffic, and gates judge it."""
