"""The status people read."""
