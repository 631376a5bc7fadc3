"""Every SELECT of the project, one module per noun."""
