"""aiops: Slack-first incident triage."""
