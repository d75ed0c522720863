import sys
from pathlib import Path

# The recipe's folder is no package of ours: the demo puts it on PYTHONPATH, and so do its tests.
sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "recipe-incident-triage"))
