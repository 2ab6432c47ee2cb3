"""Reads what strangers sent, in a process of its own, within limits that only its owner feels."""
