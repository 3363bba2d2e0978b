"""Makes `python -m verifier.check` the same as `verifier`."""

import sys

from verifier.check.cli import main

sys.exit(main())
