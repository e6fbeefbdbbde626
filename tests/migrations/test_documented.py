"""What docs/migrations.md says of tables that are there already."""

from __future__ import annotations

from tests.migrations.project import Project

SHOP = """
    class Language(Model):
        name = models.CharField(max_length=50)

    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("Language", "{tag}")
"""


def test_tables_that_are_there_are_taken_over_with_fake_initial(project: Project) -> None:
    project.write(shop=SHOP.format(tag="many2many:user_languages"))
    project.run("makemigrations --noinput", "migrate --noinput")
    with project.connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'shop'")

    [output] = project.run("migrate --fake-initial --noinput")

    assert "Applying shop.0001_initial... FAKED" in output


def test_the_join_table_of_an_unmanaged_owner_is_not_made(project: Project) -> None:
    unmanaged = "\n\n        class Meta:\n            managed = False\n"
    project.write(
        shop=SHOP.format(tag="many2many:user_languages")
        .replace("max_length=50)\n\n", f"max_length=50){unmanaged}\n")
        .rstrip()
        + unmanaged
    )

    project.deploy()

    assert project.schema() == {}


COPY = """
    from django.db import migrations

    def copy(apps, schema_editor):
        Author = apps.get_model("shop", "Author")
        AuthorBook = apps.get_model("shop", "AuthorBook")
        links = Author.books.through.objects.values_list("author_id", "book_id")
        AuthorBook.objects.bulk_create(AuthorBook(author_id=author, book_id=book) for author, book in links)

    class Migration(migrations.Migration):
        dependencies = [("shop", "{after}")]
        operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
"""


def test_a_many_to_many_field_is_replaced_in_four_steps(project: Project) -> None:
    shop = """
    class Book(models.Model):
        name = models.CharField(max_length=50)

    class Author(models.Model):
        books = models.ManyToManyField(Book)
"""
    declared = 'Many2Many(Book, "many2many:author_books", join_model="AuthorBook"'
    project.write(shop=shop)
    project.deploy(
        """
        from shop.models import *
        Author.objects.create().books.add(Book.objects.create(name="Go"))
        """
    )

    old, new = "        books = models.ManyToManyField(Book)\n", f'        new_books = {declared}, related_name="+")\n'
    project.write(shop=shop + new)
    project.deploy()
    project.migration("shop", "0003_copy", COPY.format(after=project.migrations("shop")[-1].stem))
    project.write(shop=shop.replace(old, new))
    project.deploy()
    project.write(shop=shop.replace(old, f"        books = {declared})\n"))
    [found] = project.deploy(
        """
        from shop.models import *
        result = [book.name for book in Author.objects.get().books.all()]
        """
    )

    assert found == ["Go"]
    assert set(project.schema()) == {"shop_author", "shop_book", "author_books"}
