"""A run's samples as a dataset of the Hugging Face Hub.

push        a push from start to end
holding     what the folder holds
parts       a file for each shard and split
shard_file  opens a shard within bounds
census      counts of what the shards hold
card        README.md, which the Hub reads too
repository  the Hub's client library, in one place
token       where the token is
errors      its errors in one line
publisher   pushes while a run goes on
"""
