"""`python -m services.monitor --role api|worker|all`."""

import argparse

from libs.common.process.run import run
from services.monitor.main import main

parser = argparse.ArgumentParser(prog="services.monitor", description="What is used.")
parser.add_argument("--role", choices=["api", "worker", "all"], default="all")
run(main, parser.parse_args().role)
