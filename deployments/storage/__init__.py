"""A run whose output is in an object store.

address   s3://BUCKET/PREFIX, and what else is refused
objects   what a store must be able to do
s3        a store by the client library, in one place
fence     one run at a time: the head object, changed by conditional puts
shipper   what a folder has that the store lacks, in the order in which it is sent
mirror    the thread that ships while a run goes on
restore   a folder from what the store holds
work      the run's folder on this machine: goes on, or is built again
session   all of it around a run
"""
