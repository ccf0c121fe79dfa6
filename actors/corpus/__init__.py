"""Documents in, passages out: `reader` gives documents or refusals, `chunker` cuts documents into passages.

`sources` lists files, `formats` reads one, `tokens` counts. `own` and `conformance` are for readers of users.
"""
