"""How many replicas each pool gets. `measure`: counters to signals. `share`: work to replicas. `policy`: when to
act.
`in_flight`: how many samples conductors carry."""
