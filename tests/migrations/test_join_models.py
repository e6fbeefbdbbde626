"""Join models that the project writes itself, and BelongsTo outside of them."""

from __future__ import annotations

from tests.catalogue import ForeignKey
from tests.migrations.project import KIND, Project

DEFERRABLE = KIND != "mariadb"

JOIN_MODELS = """
    class Person(Model):
        name = models.CharField(max_length=50)
        full = Many2Many("Address", through="PersonAddress", constraint="OnDelete:CASCADE")
        plain = Many2Many("Address", through="PlainAddress", constraint="OnDelete:CASCADE", related_name="+")
        keyed = Many2Many("Address", through="KeyedAddress", related_name="+")
        surrogate = Many2Many("Address", through="SurrogateAddress", related_name="+")
        stock = Many2Many("Address", through="StockAddress", related_name="+")
        friends = Many2Many("self", through="Friendship")
        billing = Many2Many("Address", "joinReferences:BillingID", through="Invoice", related_name="+")

    class Address(Model):
        name = models.CharField(max_length=50)
        people = Many2Many("Person", "many2many:person_addresses")

    class PersonAddress(JoinTable, SoftDeleteModel):
        person = BelongsTo("Person")
        address = BelongsTo("Address")
        note = models.TextField(default="")

    class PlainAddress(JoinTable):  # as GORM's PersonAddress
        person_id = models.BigIntegerField()
        address_id = models.BigIntegerField()
        created_at = models.DateTimeField(auto_now_add=True)

    class KeyedAddress(models.Model):
        pk = models.CompositePrimaryKey("person_id", "address_id")
        person_id = models.BigIntegerField()
        address_id = models.BigIntegerField()

    class SurrogateAddress(JoinTable):
        id = models.BigAutoField(primary_key=True)
        address = BelongsTo("Address", "constraint:fk_own,OnDelete:CASCADE")
        person = BelongsTo("Person")

        class Meta:
            constraints = [models.UniqueConstraint(fields=["person_id", "address_id"], name="uni_surrogate")]

    class StockAddress(models.Model):
        person = models.ForeignKey("Person", models.CASCADE)
        address = models.ForeignKey("Address", models.CASCADE)

        class Meta:
            unique_together = [("person", "address")]

    class Friendship(JoinTable):
        user = BelongsTo("Person", constraint="OnDelete:CASCADE")
        friend = BelongsTo("Person", constraint="-")

    class Invoice(JoinTable):
        person = BelongsTo("Person")
        address = BelongsTo("Address")
        billing = BelongsTo("Address", null=True)
"""


def test_join_models_of_every_form(project: Project) -> None:
    project.write(shop=JOIN_MODELS)

    [found, rows] = project.deploy(
        """
        from shop.models import *
        ann, home = Person.objects.create(name="ann"), Address.objects.create(name="home")
        bob, work = Person.objects.create(name="bob"), Address.objects.create(name="work")
        for name in ("full", "plain", "keyed", "surrogate", "stock"):
            ann.association(name).append(home)
        ann.friends.append(bob)
        result = [getattr(ann, name).count() for name in ("full", "plain", "keyed", "surrogate", "stock", "friends")]
        result += [home.people.count(), bob.friends.count(), Address.people.through.__name__]
        """,
        """
        from shop.models import *
        ann, bob = Person.objects.order_by("name")
        home, work = Address.objects.order_by("name")
        PersonAddress(person=ann, address=work, note="x").save()
        PersonAddress.objects.create(person_id=bob.pk, address_id=work.pk)
        Invoice(person=bob, address=home, billing=work).save()
        result = [ann.full.count(), bob.full.count(), bob.billing.get().name]
        """,
    )

    assert found == [1, 1, 1, 1, 1, 1, 1, 0, "PersonAddress"]
    assert rows == [2, 1, "work"]
    full = project.table("person_addresses")
    assert full.column_names == ("deleted_at", "person_id", "address_id", "note")
    assert full.primary_key == ("person_id", "address_id")
    assert full.foreign_keys == (
        ForeignKey(
            "fk_person_addresses_address", ("address_id",), "addresses", ("id",), "CASCADE", deferrable=DEFERRABLE
        ),
        ForeignKey("fk_person_addresses_person", ("person_id",), "people", ("id",), "CASCADE", deferrable=DEFERRABLE),
    )
    assert [index.columns for index in full.indexes] == [("address_id",), ("deleted_at",)]
    for name in ("plain_addresses", "shop_keyedaddress"):
        plain = project.table(name)
        assert plain.primary_key == ("person_id", "address_id")
        assert [(key.name, key.columns) for key in plain.foreign_keys] == [
            (f"fk_{name}_address", ("address_id",)),
            (f"fk_{name}_person", ("person_id",)),
        ]
    surrogate = project.table("surrogate_addresses")
    assert surrogate.primary_key == ("id",)
    assert [(key.name, key.on_delete) for key in surrogate.foreign_keys] == [
        ("fk_own", "CASCADE"),
        ("fk_surrogate_addresses_person", "NO ACTION"),
    ]
    assert {(index.columns, index.unique) for index in surrogate.indexes} == {
        (("person_id", "address_id"), True),
        (("address_id",), False),
    }
    friendships = project.table("friendships")
    assert friendships.primary_key == ("user_id", "friend_id")
    assert [(key.name, key.on_delete) for key in friendships.foreign_keys] == [("fk_friendships_user", "CASCADE")]
    assert project.table("invoices").primary_key == ("person_id", "address_id")
    project.back_and_forth("shop")


BELONGS_TO = """
    class Company(Model):
        code = models.CharField(max_length=20, unique=True)

    class Page(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)

    class User(Model):
        company = BelongsTo("Company")
        former = BelongsTo("Company", "constraint:fk_former,OnUpdate:CASCADE,OnDelete:SET NULL", null=True,
                           related_name="former_users")
        by_code = BelongsTo("Company", "foreignKey:CompanyCode;references:Code;constraint:-", null=True,
                            related_name="+")
        manager_number = models.BigIntegerField(null=True)
        manager = BelongsTo("self", "foreignKey:ManagerNumber", null=True, related_name="team")
        page = BelongsTo("Page", null=True, related_name="readers")
"""


def test_belongs_to_outside_join_models(project: Project) -> None:
    project.write(shop=BELONGS_TO)

    [found] = project.deploy(
        """
        from shop.models import *
        company = Company.objects.create(code="x")
        page = Page.objects.create(id=3, locale="en")
        ann = User.objects.create(company=company, former=company, by_code=company, page=page)
        bob = User.objects.create(company=company, manager=ann)
        found = User.objects.get(manager__company__code="x")
        result = [found.pk == bob.pk, ann.team.count(), company.user_set.count(), company.former_users.count(),
                  page.readers.count(), ann.company_code if hasattr(ann, "company_code") else ann.by_code_id,
                  User.objects.filter(page__locale="en").count(), bob.manager_number == ann.pk,
                  User.objects.select_related("company", "page").get(pk=ann.pk).page.locale]
        """
    )

    assert found == [True, 1, 2, 1, 1, "x", 1, True, "en"]
    users = project.table("users")
    columns = {column.name: column.null for column in users.columns}
    assert columns == {
        "id": False,
        "created_at": True,
        "updated_at": True,
        "deleted_at": True,
        "company_id": False,
        "former_id": True,
        "company_code": True,
        "manager_number": True,
        "page_id": True,
        "page_locale": True,
    }
    assert users.foreign_keys == (
        ForeignKey("fk_former", ("former_id",), "companies", ("id",), "SET NULL", "CASCADE", DEFERRABLE),
        ForeignKey("fk_users_company", ("company_id",), "companies", ("id",), deferrable=DEFERRABLE),
        ForeignKey("fk_users_manager", ("manager_number",), "users", ("id",), deferrable=DEFERRABLE),
        ForeignKey("fk_users_page", ("page_id", "page_locale"), "shop_page", ("id", "locale"), deferrable=DEFERRABLE),
    )
    assert ("page_id", "page_locale") in {index.columns for index in users.indexes}
    assert ("manager_number",) in {index.columns for index in users.indexes}
    project.run("migrate shop zero --noinput", "migrate --noinput")
