"""The formats of lists, one module each; no module of them imports another."""
