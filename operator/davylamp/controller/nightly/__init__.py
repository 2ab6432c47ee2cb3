"""The nightly explanation job: its objects and what its runs found."""
