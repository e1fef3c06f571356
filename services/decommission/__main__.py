"""`python -m services.decommission --role api|worker|all`."""

import argparse

from libs.common.process.run import run
from services.decommission.main import main

if __name__ == "__main__":  # a child process for archives imports this module again
    parser = argparse.ArgumentParser(prog="python -m services.decommission")
    parser.add_argument("--role", choices=("api", "worker", "all"), default="all")
    run(main, parser.parse_args().role)
