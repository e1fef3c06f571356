"""Routes: the way of a case as data, one file for each."""
