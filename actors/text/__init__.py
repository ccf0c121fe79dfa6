"""Texts and files of strangers, read within bounds. `completions`, `final_answer`, `steps`: what a model wrote.
`markup`, `typography`, `words`, `vectors`: what is the same text. `strict_yaml`, `parquet`, `thrift`: files.
"""
