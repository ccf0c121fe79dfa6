"""Per-step credit, pure: what rollouts say about Q (`posterior`), which step is the first pit (`pits`), where the next
rollouts go (`full`, `binary`), and the state machine that asks for them and gives the label (`plan`).
"""
