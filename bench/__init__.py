"""What the project costs in time and memory: a module for each question, started by `script/bench`.

It knows the doors and `nextscene`; neither knows it.
"""
