"""`davylamp simulate`: how the gates of a spec perform on simulated traffic."""
