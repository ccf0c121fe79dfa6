"""Every outstanding order. `machine`: who gets what next, what a report changes; pure. `held`: what is kept of an
order. `credit_queue`: rollouts. `service`: callers. `commits`: group commit. `documents`: which documents a run knows.
"""
