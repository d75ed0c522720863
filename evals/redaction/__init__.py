"""How much of what is secret is taken out of text, and how much is taken that is not."""
