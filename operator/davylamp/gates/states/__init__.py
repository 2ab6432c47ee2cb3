"""What a trial remembers: folded from samples, the same live, after a restart and in a replay."""
