"""Calls to models. `asker`: a task's calls, each recorded and seeded. `making`: one attempt. `generators`, `pools`:
the pools that one conductor calls. `retry`: one call, retried within limits. `health`: the circuit breaker; `trials`:
its test calls. `in_hand`, `counters`: samples in flight. `clocks`: two clocks. `loop_lag`: how code holds the loop.
"""
