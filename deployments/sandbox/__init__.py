"""Programs that a model wrote, in rooms that nothing leaves (docs/sandbox.md). `sandbox`: the pool that runs them.
`worker`: one of its processes, seen from ours. `inside`: that process, and the programs in it. `late`: a pool that
starts with its first program. `queries`: SQL over a passage's database, by `query_program`, one of these programs.
`code`: tests against a function.
"""
