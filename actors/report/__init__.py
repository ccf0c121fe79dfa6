"""The page that people look at: one self-contained file, made from the ledger alone.

`facts` reads the ledger once; `flow`, `overlap`, `histogram`, `timeline`, `repairs` each draw one figure; `examples`
shows samples; `page` puts them together. Law: nothing here decides anything, and no text of a corpus or a model
becomes markup.
"""
