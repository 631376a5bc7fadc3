"""Counterfoil's core: contracts -> journal -> fold -> mirror -> SQL. It never imports the API."""
