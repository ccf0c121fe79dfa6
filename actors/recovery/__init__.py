"""What happens to a rejected sample, in this order: evidence, diagnosis, repair.

`evidence` computes facts from passage, draft and verdicts. `diagnoser` predicts a failure mode from these facts alone.
`repairs` lists the directives that fit a mode; `executed` has the words of those that tell what an execution said.
`policies` choose one, or stop; their `Recoverer.decide` runs all three steps. `rescoring`: judges an attempt again
under other thresholds, from its scores.
"""
