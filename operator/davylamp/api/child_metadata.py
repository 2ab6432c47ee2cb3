"""Labels and annotations that users want on all children, besides ours."""

import hashlib
import json
import re
from typing import Annotated, Final

from pydantic import Field

from davylamp.api import names
from davylamp.schema.models import Strict
from davylamp.schema.written import Checked

OURS: Final = (names.LABEL_NAME, names.LABEL_MANAGED_BY, names.LABEL_PART_OF, names.LABEL_VERSION)
"""Labels by which children are found or described."""
RESERVED: Final = (*OURS, "pod-template-hash", "controller-uid", "job-name")
"""Those, and labels by which Kubernetes' own controllers find their pods."""
PREFIXES: Final = (f"{names.GROUP}/", "kubernetes.io/", "k8s.io/", "batch.kubernetes.io/")
_WORD: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_KEY: Final = rf"^({_WORD}([.]{_WORD})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$"
_LONGEST_PREFIX: Final = 253
_VALUE: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"


def _every(pattern: str, entries: list[str]) -> bool:
    return all(re.fullmatch(pattern, entry, re.ASCII) for entry in entries)


_KEYS: Final = Checked(
    f"self.all(key, key.indexOf('/') <= {_LONGEST_PREFIX} && key.matches('{_KEY}'))",
    "keys must be names of labels, e.g. cost-center or example.org/team",
    lambda entries: (
        _every(_KEY, list(entries)) and all(k.find("/") <= _LONGEST_PREFIX for k in entries)
    ),
)
_NOT_RESERVED: Final = Checked(
    "self.all(key, !("
    + " || ".join(f"key.startsWith('{prefix}')" for prefix in PREFIXES)
    + f" || key in {list(RESERVED)}))",
    f"keys below {', '.join(PREFIXES)} are reserved, and so are {', '.join(RESERVED)}",
    lambda entries: not any(key in RESERVED or key.startswith(PREFIXES) for key in entries),
)
_VALUES: Final = Checked(
    f"self.all(key, self[key].matches('{_VALUE}'))",
    "values must be those of labels, e.g. risk-models",
    lambda entries: _every(_VALUE, list(entries.values())),
)

LabelValue = Annotated[str, Field(max_length=63)]
AnnotationValue = Annotated[str, Field(max_length=8192)]
"""So long that twenty of them, and what others add, stay below the API server's 256 KiB."""


class ChildMetadata(Strict):
    """Labels and annotations of all children: policies demand them, costs are counted by them."""

    labels: Annotated[dict[str, LabelValue], _KEYS, _NOT_RESERVED, _VALUES] = Field(
        default_factory=dict,
        max_length=20,
        description="Labels of every child and its pods.",
    )
    annotations: Annotated[dict[str, AnnotationValue], _KEYS, _NOT_RESERVED] = Field(
        default_factory=dict,
        max_length=20,
        description="Annotations of every child and its pods.",
    )

    def over(self, defaults: "ChildMetadata") -> "ChildMetadata":
        """These, and of the defaults what these do not say."""
        return ChildMetadata(
            labels={**defaults.labels, **self.labels},
            annotations={**defaults.annotations, **self.annotations},
        )

    def mark(self) -> dict[str, str]:
        """An annotation by which an entry that is wanted no longer is noticed; none without entries."""
        if not (self.labels or self.annotations):
            return {}
        text = json.dumps([self.labels, self.annotations], sort_keys=True)
        return {names.ANNOTATION_METADATA: hashlib.sha256(text.encode()).hexdigest()[:10]}


NOTHING: Final = ChildMetadata()
