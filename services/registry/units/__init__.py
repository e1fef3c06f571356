"""Units: recorded when a declaration first names them, added to by registrars."""
