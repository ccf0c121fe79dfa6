"""`gleaner verify`: proves a folder from its files alone.

`book` follows every order through the ledger, `shards` holds the files against it, `verify` is the whole: it also reads
the documents again and compares every passage with its slice.

`gleaner audit`: holds a gate against labels. `labelled` reads the rows, `agreement` counts.
"""
