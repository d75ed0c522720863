"""A small online shop that really runs, and really breaks: the system under triage in the demo."""
