"""JSON as Kubernetes speaks it, typed."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import JsonValue

Json: TypeAlias = JsonValue
JsonObject: TypeAlias = dict[str, JsonValue]
Labels: TypeAlias = Mapping[str, str]
