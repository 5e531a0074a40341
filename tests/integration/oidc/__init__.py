"""The API with a real OpenID provider: Node's oidc-provider, as a process of its own."""
