"""
What `manage.py demo` does.

    data     fills the demo's rows and its login
    reading  finds what there is to show: source, migration, table, SQL, join rows
    tour     the steps, one chapter a relation
"""
