"""What gates say in the status and what a person types from there."""

import re
import shlex

from tests.support.reading import Json
from tests.support.story import Story

from lab.kubectl import kubectl

COMMAND = re.compile(r"`kubectl ([^`]+)`")


def gate_of(status: Json, name: str) -> Json:
    """What one gate of the candidate sees, empty while it has not been asked."""
    gates = status.get("candidate", {}).get("gates", [])
    return next((gate for gate in gates if gate["name"] == name), {})


def wait_gate(story: Story, name: str, **wanted: object) -> Json:
    """One gate of the candidate once it says these things."""

    def there(status: Json) -> bool:
        gate = gate_of(status, name)
        return bool(gate) and wanted.items() <= gate.items()

    return gate_of(story.wait_status(there, f"gate {name}: {wanted}"), name)


def typed(story: Story, verb: str) -> None:
    """Type the one command with that verb that the message of Ready offers, word for word."""
    message = story.condition("Ready")["message"]
    offered = [found for found in COMMAND.findall(message) if f"davylamp.dev/{verb}=" in found]
    assert len(offered) == 1, message
    kubectl(*shlex.split(offered[0]), "-n", story.namespace)
