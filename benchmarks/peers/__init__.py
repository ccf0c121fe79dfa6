"""Gleaner beside its peers, on a simulated server that knows the truth (docs/peers.md).

`plan`: settings, arms and their order. `arms`: each system's command and rows; `curatorkit_run`, `ray_data_run`: what
the peers run; `barrier`, `rounds`: Gleaner with a barrier after every stage. `http_server`, `service`, `asked`: the
server; `calls`: its log. `watch`: what processes take. `rows`: what accepted rows are worth. `part`: one run of one
system. `table`: the page's tables.
"""
