"""How many replicas each pool shall have: measure (counters to signals), share (work to replicas), policy (when)."""
