"""AWS as the simulation and the unit tests see it: clients of the services' own methods, on a virtual clock.

They pass the same contract tests as the real thing (tests/integration/test_contracts.py).
"""
