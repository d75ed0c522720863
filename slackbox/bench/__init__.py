"""Measuring slackbox from outside, as a process that others talk to. Nothing here is needed to serve."""
