"""The HTTP service: takes jobs in, tells how they are, and never runs or waits for one."""
