"""Keys and addresses of units: proposed, proved, confirmed."""
