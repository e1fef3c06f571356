"""Case files: everything that proves a case, taken out."""
