"""Weights, runtimes, and what all capabilities of the engine share."""
