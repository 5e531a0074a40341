"""What the API and the worker both need: the job, its transitions, settings, one client file per AWS service."""
