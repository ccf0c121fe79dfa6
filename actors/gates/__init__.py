"""Checks of a draft: each passes, rejects, or raises a HopError.

`provenance` needs no model; `classifier` is the classifier form of faithfulness and reward, `faithfulness` and `reward`
are their LLM forms (`structured`: one structured answer of a judge); `quotes` locates quotes; `diversity` compares
questions; `build` makes the gate that a configuration names.
"""
