"""The API as it is deployed: gunicorn's own processes, over HTTP, against a local AWS."""
