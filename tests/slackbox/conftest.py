from slackbox.pytest_plugin import slackbox, slackbox_options

__all__ = ["slackbox", "slackbox_options"]
