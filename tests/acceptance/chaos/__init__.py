"""The platform in real processes while things are killed, stopped, cut off and silent."""
