"""The only package that speaks to a chain: compile, dev chain, RPC, deploy, decode, submit."""
