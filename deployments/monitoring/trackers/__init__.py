"""A run as W&B, MLflow and OpenTelemetry show it (docs/trackers.md). Each tracker has a process of its own.

follower   the run's side: a thread for each tracker, which tells its process of the run and takes its answers
child      the process, as the run holds it
process    the tracker's side: its process, from the first message to the last
messages   what is said between the two
installed  whether a tracker's packages are there
wandb_run  Weights & Biases          mlflow_run  MLflow
otel       OpenTelemetry: metrics of a moment, traces from the ledger; otel_spans (its own spans), otel_refusals (why it
           failed), models (the model behind each call), sent (how far a ledger's traces were sent)
"""
