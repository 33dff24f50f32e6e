"""Utilities around programs."""
