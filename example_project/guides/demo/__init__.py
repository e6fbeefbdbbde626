"""
What `manage.py demo` does.

    data       fills the guides' rows and the login
    reading    finds what there is to show: source, migration, table, SQL, rows
    page       shows a step
    tour       the steps on many2many, one chapter a relation
    blog_tour  the steps on belongs to, has one, has many
"""
