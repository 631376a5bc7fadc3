"""HTTP face of the registry: FastAPI routes over the mirror."""
