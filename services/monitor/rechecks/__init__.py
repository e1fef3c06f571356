"""Rechecks: the question before a gate, whether a finding is still true today."""
