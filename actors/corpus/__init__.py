"""Documents in, passages out: `reader` (documents or refusals) and `chunker` (passages).

`sources` lists files, `formats` reads one, `tokens` counts.
"""
