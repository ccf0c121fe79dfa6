"""What happens to a rejected sample, in this order: evidence, diagnosis, repair.

`evidence` computes facts from passage, draft and verdicts; `diagnoser` predicts a failure mode from them alone;
`repairs` knows which directives fit a mode; `policies` choose one, or stop, and their `Recoverer.decide` is the three
in a row. `rescoring`: what an attempt's scores come to under other thresholds.
"""
