import sys

from slackbox.cli import main

sys.exit(main())
