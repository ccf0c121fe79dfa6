"""What measures the gates: labelled samples that go through them beside the orders.

plan      which orders a probe goes beside, and what it is made of
maker     the attempts of a probe: the labelled draft first, then the task's own repairs
spoiler   drafts made bad by asking a model for the flaw
threshold what probes say of a gate's threshold
labelled  the rows of a file, which `gleaner audit` holds the gates against; agreement  verdicts against labels
"""
