"""What the project costs, and how well its sequences hold together: a module for each question, for `script/bench`.

It knows the doors and `nextscene`; neither knows it.
"""
