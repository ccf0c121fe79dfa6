"""Builds objects from a configuration. `wiring` has most of it; other parts have files of their own. `own_code` finds
the code of users."""
