"""OMEGA: an evolutionary search over variables, with a novelty search that keeps the pool diverse."""

from synalinks.optimizers.evolutionary.omega.novelty_search import cosine_distance, dominated_novelty_search
from synalinks.optimizers.evolutionary.omega.omega import OMEGA

__all__ = ["OMEGA", "cosine_distance", "dominated_novelty_search"]
