"""``python -m pairsmith``."""

import sys

from pairsmith.cli import main

sys.exit(main())
