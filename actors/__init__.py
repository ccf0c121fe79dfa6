"""What is decided. Plain async Python: no Ray, no engine, no model library; all of it runs in one process with doubles.

conductor  one sample's life as one coroutine: lease, draft, verdicts, decision, report
protocols  what these parts ask of each other, and what a user may bring: task, gate, engine

text       what models and strangers wrote, read within bounds
calls      one call to a model: retried, counted; when a pool counts as away
counts     every count that anybody shows, added up from records
ledger     the durable records of every order's life; how a run's folder is read and written
dataset    accepted records to shards

corpus     documents to passages
queue      every outstanding order: which is leased next, and what a report makes of it
tasks      what a sample is: how it is asked for and read
gates      checks of a draft
recovery   why a sample was rejected, and the repair that should mend it
credit     what each step of a solution is worth
probes     labelled samples that measure the gates
scaling    how many replicas each pool shall have
exports    a ledger as training data
report     report.html
metrics    what Prometheus is told
audit      proofs from a run's files alone

docs/architecture.md follows one sample through them; tests/test_architecture.py says which may import which.
"""
