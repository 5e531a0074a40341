"""The API over fakes of AWS's own methods, with the real stores between them."""
