"""Reads texts and files of unknown origin within bounds. `completions`, `final_answer`, `steps`, `sql`: what a model
wrote. `tracebacks`: how its program failed; `repeatable`: whether that gives the same again. `markup`, `typography`,
`words`, `vectors`: when two texts are the same. `strict_yaml`, `parquet`, `thrift`: files.
"""
