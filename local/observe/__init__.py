"""The local cloud with its traces and metrics in the terminal."""
