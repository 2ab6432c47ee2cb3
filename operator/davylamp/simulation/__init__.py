"""What gates do to whole populations of simulated canaries. Pure but for randomness.

Traffic is drawn from a seed, seen through scrapes of pods' counters, and judged by the product's
own gates (`canaries`), by a whole rollout's (`rollouts`, `prognosis`), or by the classic rules of
other tools (`peers`).
"""
