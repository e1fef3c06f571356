"""Policy packs: rules, their language, and the book of those in force."""
