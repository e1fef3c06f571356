"""Tests, by what they need: unit, integration, contract, acceptance, architecture."""
