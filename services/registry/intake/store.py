"""The outcomes of events, so that a repeated one gets the same answer. Takes a connection, never commits."""

from pathlib import Path

from libs.common.db.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
