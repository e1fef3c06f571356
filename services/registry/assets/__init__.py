"""Assets: the record, its versions and its moves."""
