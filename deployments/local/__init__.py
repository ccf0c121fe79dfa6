"""Work in this process, without Ray. `loop`: a whole run. `gates`: a run's gates. `gate_audit`: one gate on a labelled
file. `roles`: each pool and each gate with a model, alone.
"""
