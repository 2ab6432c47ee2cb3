"""The kinds of gates: one file for each, and the registry that lists them.

To add a kind: write its file (admission model, rule, channel, `GateKind`) and add it to
`registry.KINDS`. What a kind has to say is written down in `base.GateKind`, `trial.Rule` and
`channels.Channel`; one that forgets a part does not import.
"""
