"""A run on Ray. `supervisor`: from nothing to the last order's end. `crew`: its actors (`actors`, `conductor`),
called over `calls` and `handles`. `cluster`, `loopback`, `folder`, `vigil`: the Ray that is started here.
`autoscaling`: how many.
"""
