"""Question pools made by seed, with references: unlimited, repeatable, and in nobody's training data.

`registry` knows the kinds and makes pools of them; each kind has a file of its own.
"""

from dearena.generators.question import GeneratedQuestion
from dearena.generators.registry import generate, generator_version, kinds, stream

__all__ = ["GeneratedQuestion", "generate", "generator_version", "kinds", "stream"]
