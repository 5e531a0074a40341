"""The local cloud: plays AWS over HTTP on this machine. To the product it is one more endpoint URL."""
