"""Rules that the API server and pydantic hold with the same sentence, which says what to write.

A regular expression in a schema is refused with itself, which helps nobody at 3 a.m.: as a CEL rule
it has a sentence with an example.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from davylamp.schema.json import Json, JsonObject

RULES = "x-kubernetes-validations"


def cel(*rules: tuple[str, str]) -> Callable[[JsonObject], None]:
    """Adds rules, as (expression, message) pairs, to those that a schema has already."""

    def add(schema: JsonObject) -> None:
        before = schema.get(RULES)
        made: list[Json] = [{"rule": rule, "message": sentence} for rule, sentence in rules]
        schema[RULES] = [*(before if isinstance(before, list) else []), *made]

    return add


@dataclass(frozen=True)
class Checked:
    """Of a field: a rule for both sides, told by one sentence."""

    rule: str
    sentence: str
    holds: Callable[[Any], bool]

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        cel((self.rule, self.sentence))(described)
        return described

    def _checked(self, value: Any) -> Any:
        if not self.holds(value):
            raise PydanticCustomError("davylamp", "{sentence}", {"sentence": self.sentence})
        return value


def written(pattern: str, sentence: str) -> Checked:
    """How a text is written: a pattern that is never empty, and a sentence with an example."""
    compiled = re.compile(pattern, re.ASCII)
    return Checked(
        f"self != '' && self.matches(r'{pattern}')",
        sentence,
        lambda text: bool(text and compiled.fullmatch(text)),
    )
