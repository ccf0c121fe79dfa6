"""The controlled study of the first paper (arXiv 2606.11127) on the almanac: `python -m studies.provenance --output DIR`.

In reading order: `plan` (how much of everything), `world` (a seed's corpus and what is true of it), `machines` (the
models, each asked the same only once), `runs` (the product's own loop under each recovery policy), `tries` (what is
kept of it), `modes` (the judges by what they are shown), `student` (what the data is worth), `parts` (what is done,
and what a rerun need not do again), `bootstrap`, `findings` and its parts (from what is kept to figures), `page`.
"""
