"""`davylamp replay`: judge a past canary again."""
