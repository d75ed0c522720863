"""Hostile words in every place that strangers can write to, in front of a model that does all they say."""
