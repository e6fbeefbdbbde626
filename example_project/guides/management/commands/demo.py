from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from example_project.blog import data as blog_data
from example_project.guides.demo import data
from example_project.guides.demo.blog_tour import BlogTour
from example_project.guides.demo.tour import Tour

INTRODUCTION = """\
The example project has the models of GORM's guides. Below: what a declaration becomes, and what each verb does.
The SQL is what ran just now, without BEGIN and COMMIT and without quotes around names; times are shown as 'now'.
Lines that begin with | are the rows after it, in the table that holds the links."""

NEXT = f"""\
  This tour was rolled back. The demo data stays, and its links can be edited in the admin:
    make admin      then http://127.0.0.1:8000/admin/ as {data.LOGIN}, password {data.LOGIN}
  README.md says how to use this in a project of yours; the models are in example_project/guides/models.py and
  example_project/blog/models.py."""


class Command(BaseCommand):
    help = "Fill in the demo data, then show on the terminal what a declaration becomes and what each verb does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-only", action="store_true", help="Fill in the data and the login, show nothing.")

    def handle(self, *, data_only: bool, **options: Any) -> None:
        data.fill()
        blog_data.fill()
        data.login()
        if data_only:
            self.stdout.write("The demo data and its login are there.")
            return
        try:
            self.stdout.write(INTRODUCTION)
            with transaction.atomic():
                Tour(self.stdout, self.style).run()
                BlogTour(self.stdout, self.style).run()
                transaction.set_rollback(True)
            self.stdout.write("\n\n" + self.style.MIGRATE_HEADING("Next"))
            self.stdout.write(NEXT)
        except BrokenPipeError:
            # `less` or `head` has seen enough. Python would complain again when it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
