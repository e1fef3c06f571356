"""Topics, their access lists, and the jars of the broker."""
