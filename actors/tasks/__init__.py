"""What a sample is: `prompts` (the exact words), `reading` (completion to draft), `grounded_answer` (the task)."""
