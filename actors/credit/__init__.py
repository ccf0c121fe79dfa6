"""Credit for steps, without I/O. `posterior`: what rollouts say about Q. `chain`: which step is the first pit.
`strategies`: where the next rollouts go. `plan`: one solution's credit. `desk`: all open credits. `targets`: the
solutions that are credited.
"""
