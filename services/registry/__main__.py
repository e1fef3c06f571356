"""`python -m services.registry --role api|worker|all`."""

import argparse

from libs.common.process.run import run
from services.registry.main import main

parser = argparse.ArgumentParser(prog="python -m services.registry")
parser.add_argument("--role", choices=("api", "worker", "all"), default="all")
run(main, parser.parse_args().role)
