"""`gleaner doctor`: what of a machine will trouble a run. `finding`: what a check says. `machine`: the facts, read and
never started. `checks`: each a pure function of facts. `planned`: checks of a run's configuration on this machine.
`view`: all of them, as they are shown.
"""
