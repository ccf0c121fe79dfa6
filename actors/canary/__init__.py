"""Labelled samples in the live stream, to measure the gates.

`mixing` is what a conductor does (which order brings one along, and what the gates are shown), `book` what the queue
keeps of them, `tally` folds their records into rates, `drift` tests a rate for a change, `threshold` proposes one.
"""
