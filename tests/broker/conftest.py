"""Puts the reference model and the in-memory desk beside these tests on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
