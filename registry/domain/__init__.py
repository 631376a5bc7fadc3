"""The pure core: money, certificates, journals, the fold and the rules. Standard library and one keccak."""
