"""The hands: one vendor, one file."""
