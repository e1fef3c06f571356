"""Registry owns what exists: units, assets, their versions and their tombstones."""
