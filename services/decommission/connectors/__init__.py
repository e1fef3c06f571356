"""Ways to reach what is outside: each declares whether its target honours idempotency keys."""
