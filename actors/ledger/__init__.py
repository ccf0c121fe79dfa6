"""The durable record. `sqlite`: append and replay; `layout`, `running_hash`: of the file. `folder`: all ledgers of
a run. `history`: one order's life; `attempts`, `draws`: what is read from records. `reopen`: dead letters back.
`repair`: a ledger that cannot be replayed. `door`, `files`: how anything of a run's folder is read and written.
"""
