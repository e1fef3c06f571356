"""Gates: what must hold on the day of a stop, each a pure function of the evidence."""
