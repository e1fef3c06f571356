"""What a log says: one class for each kind of entry, with where it is legal and what it does to the case. Pure."""
