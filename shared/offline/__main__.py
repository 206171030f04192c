"""`python -m shared.offline`; the script `siteward` at the top of the repository runs it."""

import sys

from shared.offline.command_line import main

sys.exit(main())
