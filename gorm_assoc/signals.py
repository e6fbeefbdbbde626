"""Signals of this package, beside Django's m2m_changed, which the verbs send as Django documents it."""

from __future__ import annotations

from django.dispatch import Signal

association_changed = Signal()
"""
Sent once a verb has changed links, inside its transaction; an exception undoes the verb.

sender -- the model whose rows hold the links: of a many2many the join model, of has-one and has-many the
    target, of a belongs-to the owner
relationship -- the Relationship that the verb was called on
added, removed, revived -- the exact pairs, each a tuple of (owner's primary key, target's primary key)
using -- the database alias
"""
