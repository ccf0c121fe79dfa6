"""Prometheus, alerts and a dashboard for a run's /metrics: `make monitor`, docs/monitoring.md."""
