"""PostgreSQL: pools, queries, migrations, and the tables that every service has."""
