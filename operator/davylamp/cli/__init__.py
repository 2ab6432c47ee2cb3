"""Commands for people who choose a rollout's settings: `replay` a past canary, `simulate` many."""
