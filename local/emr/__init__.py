"""EMR Serverless on this machine: the service's own wire protocol, its states and limits, and real Spark."""
