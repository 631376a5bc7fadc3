"""The offline verifier: what a bundle claims, checked with the standard library alone."""
