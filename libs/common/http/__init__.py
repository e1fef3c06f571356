"""HTTP as every service offers it."""
