"""The command `movingtarget`, as `python -m movingtarget`."""

import sys

from movingtarget.probing.command import main

if __name__ == "__main__":
    sys.exit(main())
