"""The vanishing guard: how many assets of a source may vanish in a day, and which disappearances wait for a person."""
