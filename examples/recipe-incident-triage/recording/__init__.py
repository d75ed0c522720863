"""Breaks the shop in many ways and keeps each as an eval case; `python -m evals.record` starts it."""
