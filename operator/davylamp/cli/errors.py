"""What a command refuses."""


class UsageError(Exception):
    """What was given cannot be used; the message says where and why. Exit code 2."""
