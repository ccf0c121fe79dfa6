"""What a person sees in the terminal.

screen    the one console, and what every text passes on its last step
words     numbers, durations and foreign text as they are shown
rates     flows per second and time left, from a bounded window of Progress values
board     the live view: one Progress and its rates to one renderable
lines     the same in plain lines, for a file or CI
watcher   which of the two is shown, and how often
summary   the run's end, and `gleaner status`
samples   `gleaner samples`
beginning `gleaner init`
doctor    `gleaner doctor`
draining  `gleaner drain`
comparing `gleaner compare`
life      `gleaner explain`: one sample's life; executions: its programs
reading   what `status`, `explain` and `report` read from a folder
proof     `gleaner verify`
exporting `gleaner export`
pushing   `gleaner push`
running   `gleaner run`
preview   `gleaner preview`: a few samples in this process, nothing written
planning  `gleaner plan`: what a run will take, nothing asked, nothing written
options   arguments and options of several commands
folder_commands  those that are given a run's folder, as typer knows them
models    `gleaner models`: each model by itself
pages     which page of the docs says more about an error
boundary  errors to one line and an exit code
"""
