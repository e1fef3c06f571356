"""Look-alikes: the tokens by which a text finds the assets that it only looks like."""
