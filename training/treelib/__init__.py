"""Shared pieces of the trainings: net, pictures, jitter, the local-SGD loop, scoring, export."""
