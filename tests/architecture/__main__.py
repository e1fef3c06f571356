"""`python -m tests.architecture`: every rule of the house over the whole tree, each finding on a line."""

import sys

from tests.architecture import (
    clients,
    clocklint,
    daylint,
    hints,
    instruments,
    plumbing,
    rankings,
    sizes,
    sqltext,
    terms,
    traces,
    words,
)

RULES = (clocklint, daylint, sizes, plumbing, words, terms, traces, sqltext, clients, hints, instruments, rankings)


def main() -> int:
    found = [problem for rule in RULES for problem in rule.check()]
    for problem in found:
        print(problem)
    print(f"{len(RULES)} rules, {len(found)} findings")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
