"""Asks pods the questions of the checks, in the background."""
