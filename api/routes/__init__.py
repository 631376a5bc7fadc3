"""Endpoints: a file per noun. Each parses, asks one query, and shows the rows."""
