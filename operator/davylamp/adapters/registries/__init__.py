"""Registries of images: which digest a tag has, and the signatures for it."""
