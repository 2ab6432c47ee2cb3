"""Reads what pods counted and turns it into evidence, in the background."""
