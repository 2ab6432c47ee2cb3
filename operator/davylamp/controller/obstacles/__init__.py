"""Refused writes: why, since when, who is told, and what is done instead."""
