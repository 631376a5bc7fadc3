"""Questions of those who hold no account: whether a claim is known here, answered without names."""
