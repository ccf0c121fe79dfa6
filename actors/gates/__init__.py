"""Checks of a draft: each passes, rejects, or raises a HopError.

`provenance` needs no model; `classifier` is the classifier form of faithfulness and reward, `faithfulness` and `reward`
are their LLM forms (`structured`: one structured answer of a judge); `evidence` says what a faithfulness judge
is shown, `retrieval` searches for it; `quotes` locates quotes; `diversity` compares questions; `build` makes
the gate that a configuration names.
"""
