"""Checks of a draft: each passes, rejects or errors.

`provenance` and `verifier` need no model. The forms of faithfulness and reward: `classifier`, `pairs`, `first_token`
(with `presets`), `likelihood`, and the LLM forms `faithfulness` and `reward` (`structured`: one structured answer).
`evidence`: what a faithfulness judge is shown; `retrieval`: its search; `quotes`: the places of quotes. `diversity`,
`embedding`: near-duplicates. `build` makes a configured gate, `pooled` one that shares a pool, `judge` asks them all.

Your own gates (docs/gates.md): `own` makes verdicts of a rule or a function; `rules` reads expressions over `fields`,
and `patterns` searches in linear time; `conformance` has the checks that any gate must pass.

`verifier` compares final answers: `answers` and `units` parse them, `equivalence` decides what reading can decide, and
`verifier_pool` asks a mathematics library (`equality_worker`) in processes that can be killed. `execution` has queries
executed and asks for a second one; `results` compares what they give. `code` has tests executed against a function, and
against its `mutants`.
"""
