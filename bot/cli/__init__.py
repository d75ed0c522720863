"""The `aiops` command line. JSON goes to standard output alone; logs go to standard error."""

from bot.cli.main import main

__all__ = ["main"]
