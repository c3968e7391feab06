"""Measure how often the embedded engine's models are right, on items that nothing was tuned on.

    python -m tests.engine.quality         # all tasks, with the standard and full sets
    python -m tests.engine.quality question-answering --set standard --wrong

The items were written before any answer to them was seen, and no prompt or threshold may be chosen
by them: a claim that was fitted to its own questions says nothing about others. What is measured is
compared with what each capability claims (`Capability.measured`).
"""
