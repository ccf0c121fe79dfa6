"""`gleaner verify`: proves a folder from its files alone.

`verify` is the whole; `book` follows every order through the ledger, `shards` holds the files against it; `verify` reads
the documents again and compares every passage with its slice.
"""
