"""Where all metrics of a process are kept. Who counts something defines its metric beside the code that counts it.

Labels take few values, all of which this code knows: never an owner, an id, a path or any text of a user.
"""

from prometheus_client import CollectorRegistry

METRICS = CollectorRegistry()
# The value of a label for all that this release does not know.
UNKNOWN = "unknown"
