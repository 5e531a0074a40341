"""Ratios against bare calls, measured in one run. Absolute times depend on the machine and are not compared."""
