"""The page that people look at: one self-contained file, made from the ledger alone.

`facts` reads the ledger once. `flow`, `overlap`, `histogram`, `timeline` and `intervals` each draw one figure. `probes`
fills the tables about probes, `examples` shows samples, `page` puts all together. `card`, `manifest` and `finish` write
the other files of a finished folder; `made` has what cards say. Law: nothing here makes a decision, and no text of a
corpus or a model becomes markup.
"""
