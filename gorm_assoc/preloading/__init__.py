"""
How preload() loads: what is asked for, the way to the targets, one statement or two for each level.

    wanted      names and conditions -> a tree of levels, checked before anything is read
    relations   what a level needs to know of Django's relation
    among       WHERE over any number of keys
    levels      read a level's targets, each once, and hand them to its owners
    counting    how many there are, without reading them
    loaded      the queryset that an owner's accessor gives afterwards
    strict      what happens to a relation that is read and was not loaded
"""
