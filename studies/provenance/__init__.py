"""The controlled study of the first paper (arXiv 2606.11127): `python -m studies.provenance --output DIR`.

In reading order: `plan` (how much of everything), `world` (a seed's corpus and what is true of it), `machines` (the
models, each asked the same only once), `runs` (the product's own loop under each policy), `tries` (what is kept of it),
`modes` (the judges by what they are shown), `parts` (what is done), `spending` (what a budget buys), `lessons` and
`student` (what the data is worth); then from what is kept to figures: `bootstrap`, `judged`, `rejected`, `recovered`,
`results` (the claims); `pictures` and `page`.
"""
