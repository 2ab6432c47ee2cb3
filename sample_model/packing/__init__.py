"""Packing a release into its images: sources, tags, arguments, labels. Standard library only."""
