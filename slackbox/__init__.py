"""slackbox: a local Slack workspace."""
