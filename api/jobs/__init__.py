"""Jobs over HTTP: submitting, following, repeating."""
