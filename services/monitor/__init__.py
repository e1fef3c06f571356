"""Usage of assets: signals and the sources that vouch for them, policy packs, verdicts, findings."""
