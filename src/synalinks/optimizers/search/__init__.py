"""The extension point of optimizers that drive the training themselves: `async def search(self, problem)`."""

from synalinks.optimizers.search.notes import Notes
from synalinks.optimizers.search.problem import Place, Problem
from synalinks.optimizers.search.states import Answer, Case, Keys, State

__all__ = ["Answer", "Case", "Keys", "Notes", "Place", "Problem", "State"]
