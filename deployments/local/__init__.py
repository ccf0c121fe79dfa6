"""Without Ray, in this process. `loop`: a whole run. `gates`: a run's gates. `gate_audit`: one gate on a labelled
file.
"""
