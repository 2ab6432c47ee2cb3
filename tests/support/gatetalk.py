"""What gates say in the status, and the commands in it that a user types."""

import re
import shlex

from tests.support.reading import Json
from tests.support.story import Story

from lab.kubectl import kubectl

COMMAND = re.compile(r"`kubectl ([^`]+)`")


def gate_of(status: Json, name: str) -> Json:
    """One gate of the candidate, empty while it has not been judged."""
    gates = status.get("candidate", {}).get("gates", [])
    return next((gate for gate in gates if gate["name"] == name), {})


def wait_gate(story: Story, name: str, **wanted: object) -> Json:
    """One gate of the candidate once it has these fields."""

    def there(status: Json) -> bool:
        gate = gate_of(status, name)
        return bool(gate) and wanted.items() <= gate.items()

    return gate_of(story.wait_status(there, f"gate {name}: {wanted}"), name)


def offered(story: Story, verb: str) -> str | None:
    """The one command with that verb in the message of Ready, without `kubectl`; None without one."""
    message = story.condition("Ready").get("message", "")
    commands = [line for line in COMMAND.findall(message) if f"davylamp.dev/{verb}=" in line]
    assert len(commands) <= 1, message
    assert all(story.resource_name in line for line in commands), message
    return commands[0] if commands else None


def typed(story: Story, verb: str) -> None:
    """Type the command with that verb that the message of Ready offers, word for word."""
    command = offered(story, verb)
    assert command, story.condition("Ready")
    kubectl(*shlex.split(command), "-n", story.namespace)
