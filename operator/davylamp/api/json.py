"""JSON as Kubernetes speaks it, typed."""

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]
Labels: TypeAlias = Mapping[str, str]
