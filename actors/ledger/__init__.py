"""The durable log of every order's life. `sqlite`: append and read; `layout`, `running_hash`: the file's tables and
hash chain; `lock`: one writer. `folder`: all ledgers of a run. `history`: one order's life; `samples`: some of them.
`attempts`, `draws`: facts read from records. `segments`: a ledger as objects of a store. `reopen`: dead letters put
back into the queue. `repair`: mends a ledger that cannot be replayed. `door`, `files`: how every file of a run's folder
is read and written.
"""
