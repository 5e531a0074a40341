"""Datasets over HTTP: registered, uploaded by links, completed."""
