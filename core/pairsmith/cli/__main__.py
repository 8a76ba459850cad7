"""``python -m pairsmith.cli``."""

import sys

from pairsmith.cli import main

sys.exit(main())
