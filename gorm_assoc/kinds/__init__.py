"""
How each kind of relation is read and written.

Three primitives, whatever the kind:

                related                link               unlink
    many2many   through live join rows insert join rows   delete join rows

A kind reads only a Relationship. It knows no field class and opens no transaction:
Association does both.
"""
