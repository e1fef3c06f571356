"""Plans and mandates: what is signed, and by whom."""
