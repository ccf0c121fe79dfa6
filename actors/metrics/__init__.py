"""A run's metrics for Prometheus: `table` lists all metrics, which the other files define; `tables` makes those that
are named at fields. `memory` keeps counts from earlier moments, and `collector` answers a scrape."""
