"""python -m app: the script `atr`, from a source tree."""

import sys

from app.console import main

if __name__ == "__main__":
    sys.exit(main())
