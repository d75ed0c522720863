import sys

from slackbox.cli import main

sys.exit(main(["bench", *sys.argv[1:]]))
