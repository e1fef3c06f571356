"""Who asks, and what is signed."""
