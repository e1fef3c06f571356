"""The daily sweep over every watched asset."""
