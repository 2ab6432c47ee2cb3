"""Whose objects are: ours, orphans that are adopted, or somebody else's; and how often one is made."""
