"""Errors of the command line."""


class UsageError(Exception):
    """An option or a file cannot be used; the message says which, where and why. Exit code 2."""
