"""The main job, end to end, on the local cluster: a bad model is rolled back, a good one promoted."""
