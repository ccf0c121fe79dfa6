"""What a sample is. `grounded_answer`: a question and its answer, with `prompts` (the exact words) and `reading`
(completion to draft); `math`: a worked solution of a problem; `sql`: a question about a database and its query;
`code`: a question, a function and its tests; `code_problem`: a function for a problem with hidden tests. `conformance`
is what any task must keep to, asked with `odd_texts`."""
