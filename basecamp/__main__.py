"""`python -m basecamp`."""

import sys

from basecamp.cli import main

sys.exit(main())
