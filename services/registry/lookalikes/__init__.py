"""Look-alikes: by what texts are found that only look like the identity or the name of an asset."""
