"""`gleaner verify`: proves a folder from its files alone.

`fold` follows every order through the ledger into a `book`; `passing`, `configuration`, `shards`, `rows`, `files` and
`manifest` hold gates, run.yaml and the other files against it; `verify` is the whole: it also reads the documents again
and compares every passage with its slice.
"""
