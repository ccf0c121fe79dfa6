"""Every outstanding order, of every kind. `machine`: what moves an order; pure. `ready_orders`: who goes first. `ends`,
`probes`: what a report becomes. `held`: what is kept of orders. `late_reports`: what was made in vain. `listener`,
`credits`: what follows from credit. `service`: callers. `commits`: group commit. `documents`: which documents a run
knows.
"""
