"""Whether a deployment works, by its address and a token alone: make smoke URL=http://127.0.0.1:8000"""
