"""The nightly explanation job: which writes keep it as wanted, and what its runs found."""
