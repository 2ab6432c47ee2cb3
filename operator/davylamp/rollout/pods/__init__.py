"""Pods as a decision looks at them: their states, hard faults, and what keeps them from serving."""
