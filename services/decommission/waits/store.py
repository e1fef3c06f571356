"""Rows of waits."""

from pathlib import Path

from libs.common.db.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
