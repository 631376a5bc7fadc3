"""The only package that speaks SQL: tables, database, queries, migrations, the embedded PostgreSQL."""
