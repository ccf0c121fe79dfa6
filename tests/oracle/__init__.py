"""What the product makes of fixed worlds, made by the code as it was and committed: every later form reproduces it.

worlds     configurations, passages and answers that never change
life       one process of such a run, from the door to the finished folder, which may be killed on the way
reading    what of a finished folder does not depend on time
reference  writes the committed files: `python -m tests.oracle.reference`
"""
