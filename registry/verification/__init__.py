"""Proofs about certificates, checked by anyone without us, and questions of those who hold no account here."""
