"""Every outstanding order, of every kind. `machine`: the moves of orders; pure. `ready_orders`: which order is leased
next. `ends`, `probes`: the record that a report becomes. `held`: the state of orders. `late_reports`: reports on
attempts that are over. `listener`, `credits`: rollouts. `service`: many callers. `commits`: group commit. `preflight`:
few leases at first. `documents`, `passages`: the documents and passages that a run knows.
"""
