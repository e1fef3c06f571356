"""Lists: tables, columns, words and days as people write them."""
