"""A run's live page. `serve`: the process and where it listens; `beside`: one beside a run. `access`: who may see and
change; `site`: what each address answers; `asked`: what a browser asks for; `feed`: what it is told as the run goes on.
`follower`: the folder, read step by step; `index`: its samples, to filter; `moment`, `lives`: the run and one sample in
the page's words; `labels`: rows for `gleaner audit` and probes; `render` and `templates`: HTML.
"""
