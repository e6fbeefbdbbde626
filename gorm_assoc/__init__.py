"""
GORM's associations for Django.

Declare a relation with GORM's options, let `makemigrations` write GORM's schema, work on it with
the Association-mode verbs. What to import stands in `gorm_assoc.models`.
"""

from __future__ import annotations

__version__ = "0.1.0"
