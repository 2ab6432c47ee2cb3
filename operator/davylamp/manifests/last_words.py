"""What a container that fails leaves behind for the status to say."""

from davylamp.schema.json import JsonObject, entries, section

KINDS = ("initContainers", "containers")


def with_last_words(template: JsonObject) -> JsonObject:
    """A pod template whose containers leave the end of their log where they leave no message.

    So a crash loop is told with the line that says why. What a container says itself wins.
    """
    spec = section(template, "spec")
    speaking: JsonObject = {
        kind: [
            {"terminationMessagePolicy": "FallbackToLogsOnError", **container}
            for container in entries(spec, kind)
        ]
        for kind in KINDS
        if kind in spec
    }
    return {**template, "spec": {**spec, **speaking}}
