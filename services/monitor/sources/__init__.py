"""Sources: their terms, health and days."""
