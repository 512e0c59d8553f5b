"""``python -m sklearn_audio``."""

import sys

from sklearn_audio.cli import main

sys.exit(main())
