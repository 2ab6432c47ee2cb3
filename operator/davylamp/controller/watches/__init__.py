"""Keeps the cache current: one list of each kind when leadership begins, watches from then on."""
