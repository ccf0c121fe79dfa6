"""Samples made bad on purpose, to measure what the gates catch.

`plan` says which orders and in what way, `injection` is what a conductor does about it, `llm` spoils samples of any
corpus by asking the generator for the flaw.
"""
