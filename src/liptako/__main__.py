"""`python -m liptako` is `liptako`."""

import sys

from liptako.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
