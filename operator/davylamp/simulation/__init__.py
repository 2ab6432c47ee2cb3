"""What gates do to whole populations of simulated rollouts. Pure but for randomness.

Traffic is drawn from a seed and judged by all gates of a rollout (`rollouts`, `forecast`), or by
the classic rules of other tools (`peers`).
"""
