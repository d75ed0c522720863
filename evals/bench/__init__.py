"""Measurements of the running programs. They report; nothing here asserts a time."""
