"""What a sample is. `grounded_answer`: a question and its answer, with `prompts` (the exact words) and `reading`
(completion to draft); `math`: a worked solution of a problem; `sql`: a question about a
database and its query. `conformance` is what any task must keep to, asked with `odd_texts`."""
