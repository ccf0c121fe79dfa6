"""Measures the gates with probes: labelled samples that go through them beside the orders.

plan      which orders a probe goes beside, and its content
maker     the attempts of a probe: first the labelled draft, then the task's own repairs
spoiler   bad drafts, made by asking a model for the flaw
threshold what probes say of a gate's threshold
labelled  the rows of a labelled file, for `gleaner audit`
agreement compares verdicts with labels
"""
