"""Every outstanding order, of every kind. `machine`: the moves of orders; pure. `ready_orders`: which order is leased
next. `planning`: the orders of a passage. `ends`, `probes`: the record that a report becomes. `held`: the state of
orders. `late_reports`: reports on attempts that are over. `listener`, `credits`: rollouts. `service`: many callers.
`commits`: group commit. `preflight`: few leases at first. `documents`, `passages`: those that a run knows.
"""
