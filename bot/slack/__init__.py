"""The face: Slack in, Slack out. The only place that knows Slack's libraries."""
