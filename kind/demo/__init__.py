"""The main job, end to end, on the local cluster: a bad model is taken back, a good one promoted."""
