"""Asks registries what tags mean, in the background, so that no pass waits for one."""
