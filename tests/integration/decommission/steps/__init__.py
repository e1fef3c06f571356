"""What a case does, one module per step: each writes what it starts before it acts and is safe to run twice."""
