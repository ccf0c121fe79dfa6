"""Calls to models. `asker`: how a task asks; every call recorded and seeded. `retry`: one call, retried within bounds.
`health`: the circuit breaker; `trials`: its test calls. `pools`: all that one conductor calls. `counters`: what is in
flight. `clocks`: the wall's and the steady one. `loop_lag`: how long somebody's code holds the event loop.
"""
