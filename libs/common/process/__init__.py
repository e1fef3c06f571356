"""One service process: settings, parts, health, crash points."""
