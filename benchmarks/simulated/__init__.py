"""A simulated chat model with hidden truth, for counts of calls and tokens: no weights, no latency.

`text`: what a passage states. `model`: how well facts are reported and judged. `prompts`: how our prompts are read, and
replies written. `engine`: the `Engine` over them, which counts. `corpus`: passages of checkable facts.
"""
