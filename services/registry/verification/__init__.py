"""Verification 核验: the public's question whether an address or a name is official, and the answer."""
