"""Response bodies: declared for every route, no field beyond the declared ones."""
