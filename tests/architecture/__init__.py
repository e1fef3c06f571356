"""The rules of the house, executable: each sees a planted break caught and the real tree kept."""
