"""The mind: evidence gatherers, the triage graph, the offline analyst, verification."""
