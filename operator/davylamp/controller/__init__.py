"""The shell: watches, work queue, leader election, reconcile, own metrics."""
