"""`python -m bvtrack` is the command `bvtrack`, where that is not installed."""

from bvtrack.cli import main

if __name__ == "__main__":
    main(prog_name="bvtrack")
