"""The platforms by family, one table each; a platform is one entry in one of them."""
