"""Units: recorded by whoever names them first, added to by registrars."""
