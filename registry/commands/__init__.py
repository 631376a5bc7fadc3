"""Use cases that end on chain, and the services they need."""
