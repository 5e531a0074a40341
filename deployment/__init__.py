"""Brings the templates of `cloudformation/` into an AWS account, stack by stack."""
