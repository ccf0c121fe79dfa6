"""Per-step credit, pure: what rollouts say about Q (`posterior`), which step is the first pit (`chain`), where the next
rollouts go (`strategies`), one solution's credit (`plan`), and all that are open (`desk`). `targets`: what is credited.
"""
