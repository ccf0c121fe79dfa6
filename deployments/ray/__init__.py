"""A run on Ray. `supervisor`: from nothing to the last order's end. `crew`: the run's actors (`actors`, `conductor`),
called through `calls` and `handles`. `cluster`, `loopback`, `folder`, `vigil`: the Ray that is started here.
`autoscaling`: how many replicas there are.
"""
