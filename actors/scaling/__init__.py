"""How many replicas each pool gets. `measure`: counters to signals. `share`: work to replicas. `policy`: when to
act."""
