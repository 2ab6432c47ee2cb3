"""What can be wrong with a snapshot."""


class SnapshotError(ValueError):
    """The file is not the snapshot it should be; the message names what differs."""
