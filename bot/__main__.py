"""`python -m bot` is `aiops`."""

from bot.cli import main

main()
