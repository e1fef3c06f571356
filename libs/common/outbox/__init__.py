"""Events leave through the transaction that made them."""
