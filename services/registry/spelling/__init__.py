"""Spelling: texts, languages and words for nothing, each written one way before anything compares them."""
