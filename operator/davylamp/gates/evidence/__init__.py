"""The statistics of the gates: what one block of counts says, and what all of them add up to.

`mixture` adds up, each other module turns a block into gains for one kind of rule. Everything is
anytime-valid: it may be looked at after every block, and stopped whenever it says enough.
"""
