"""An example is a folder of scripts, not a package: its modules are found by its folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "canada-register"))
