"""Commands for choosing the settings of a rollout: `replay` a past canary, `simulate` many."""
