"""The document of this API, its examples, and the page that shows it."""
