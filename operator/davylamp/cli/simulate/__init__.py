"""`davylamp simulate`: what the gates of a spec mean for some traffic."""
