"""The nouns: frozen typed values and pure rules. No IO, no clock, no async."""
