"""Where it runs. What is decided is decided in `actors/`; here it meets Ray, models, files of users and the terminal.

cli         the command line
run         a run from start to end: build, supervise, drain

config      the YAML file, read and checked
build       a configuration to objects; `wiring` puts the parts together
ray         the actors of a run, their supervisor, and the handles between them
serve       pools and gates with a model, on Ray Serve
engines     what runs a model: vLLM, transformers, a server, code of one's own
local       the whole loop in this process, without Ray
sandbox     programs that a model wrote, in rooms that nothing leaves
folder      a run's folder between runs
monitoring  what a run tells of itself: progress, metrics, logs, alerts
terminal    what a person sees
clusters    files that start a cluster

docs/architecture.md follows one sample through them.
"""
