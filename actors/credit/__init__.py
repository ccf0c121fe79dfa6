"""Per-step credit, pure: what rollouts say about Q (`posterior`), which step is the first pit (`chain`), where the next
rollouts go (`strategies`), and the state machine that asks for them and gives the label (`plan`).
"""
