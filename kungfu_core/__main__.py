"""`python -m kungfu_core` is `kungfu`."""

import sys

from kungfu_core.cli import main

sys.exit(main())
