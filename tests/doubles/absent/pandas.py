"""In place of pandas for Ray's processes under test: a plain installation has none, and the tests' tools bring it."""

raise ImportError("no pandas, as in a plain installation")
