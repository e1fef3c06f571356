"""What was tried against the promises, as tests; `make attack` runs them ten times as large and prints the counts."""
