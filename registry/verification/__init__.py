"""Proofs about certificates: made from the chain, checked by anyone against one block header, without us."""
