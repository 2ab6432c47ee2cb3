"""How a back end is reached: where, with what credentials, and what may be believed of it."""
