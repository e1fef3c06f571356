"""Each recipe in docs/recipes is followed in a copy of the tree."""
