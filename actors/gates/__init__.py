"""Checks of a draft: each passes, rejects, or raises a HopError.

`provenance` and `verifier` need no model; `classifier` is the classifier form of faithfulness and reward,
`faithfulness` and `reward` are their LLM forms (`structured`: one structured answer of a judge); `evidence` says what a
faithfulness judge is shown, `retrieval` searches for it; `quotes` locates quotes; `diversity` compares questions,
`embedding` has vectors made of them; `build` makes the gate that a configuration names, `judge` asks them all.

Gates of one's own (docs/gates.md): `own` holds a rule or a function to a verdict; `rules` reads expressions over
`fields`, `patterns` searches without ever being slow; `conformance` is what any gate must keep to.

`verifier` compares final answers: `answers` and `units` take them apart, `equivalence` decides what reading can,
`verifier_pool` asks a mathematics library (`equality_worker`) in processes that can be killed.
"""
