"""Trains again here and in the image, serves, and compares everything with what is published."""
