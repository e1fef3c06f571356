"""Try out mutants side by side: usage python -m tests.mutants [name …] [pytest's options].

With names it tries those alone and prints what each test said of its mutant.
"""

import os
import sys
from pathlib import Path

import pytest

TRYING = Path(__file__).with_name("trying.py")


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    os.environ["JIANFU_MUTANTS"] = ",".join(names)  # for every worker
    how = ["-rfEP"] if names else ["-n4", "--dist=worksteal"]
    return int(pytest.main([str(TRYING), "-v", "-p", "no:cacheprovider", *how, *options]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
