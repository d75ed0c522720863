"""The triage recipe: every part started as its own program, a release that leaks, and people who look on."""
