"""Records eval cases from the demo's platform, broken in many ways."""
