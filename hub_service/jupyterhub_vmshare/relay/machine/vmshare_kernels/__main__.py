"""Run from its directory, which is no place that Python looks for packages in."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    importlib.import_module("vmshare_kernels.attaching").main(sys.argv[1:])
