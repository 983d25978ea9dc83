"""`python -m kineograph` is the command `kineograph`."""

from kineograph.cli.main import run

if __name__ == "__main__":
    run()
