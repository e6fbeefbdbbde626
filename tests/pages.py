"""Admin pages as a browser without JavaScript sees them: the fields of their form, filled in and sent back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME


class Page(HTMLParser):
    """
    The form of a page.

    data -- what a browser would send
    choices -- the values of each select
    unlabelled -- names of inputs that have no label, no aria-label and stand in no fieldset with a legend
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: dict[str, Any] = {ACTION_CHECKBOX_NAME: []}
        self.choices: dict[str, dict[str, str]] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self.labels: set[str] = set()
        self._fieldsets: list[bool] = []
        self._in_legend: set[str] = set()
        self._form = self._select = self._option = self._textarea = None
        self.feed(html)

    @property
    def unlabelled(self) -> list[str]:
        return [
            name
            for name, attrs in self.inputs.items()
            if attrs.get("type") != "hidden"
            and "hidden" not in attrs
            and "aria-label" not in attrs
            and attrs.get("id") not in self.labels
            and name not in self._in_legend
        ]

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        attrs = dict(attributes)
        if tag == "form" and attrs.get("id", "").endswith("_form") and attrs.get("method") == "post":
            self._form = attrs["id"]
        if tag == "label":
            self.labels.add(attrs.get("for"))
        if tag == "fieldset":
            self._fieldsets.append(False)
        elif tag == "legend" and self._fieldsets:
            self._fieldsets[-1] = True
        name = attrs.get("name", "")
        if any(self._fieldsets):
            self._in_legend.add(name)
        if tag == "option" and self._select:
            value = self._option = attrs.get("value", "")
            self.choices[self._select["name"]][value] = ""
            if "selected" in attrs:
                if "multiple" in self._select:
                    self.data[self._select["name"]].append(value)
                else:
                    self.data[self._select["name"]] = value
        if not self._form or not name or "__prefix__" in name:
            return
        if tag == "input" and attrs.get("type") not in ("submit", "button"):
            self.inputs[name] = attrs
            if attrs.get("type") not in ("checkbox", "radio") or "checked" in attrs:
                value = attrs.get("value", "")
                self.data[name] = [*self.data[name], value] if name == ACTION_CHECKBOX_NAME else value
        elif tag == "select":
            self.inputs[name], self.choices[name], self._select = attrs, {}, attrs
            self.data[name] = [] if "multiple" in attrs else ""
        elif tag == "textarea":
            self.inputs[name], self.data[name], self._textarea = attrs, "", name

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        elif tag == "select":
            self._select = None
        elif tag == "option":
            self._option = None
        elif tag == "textarea":
            # A browser leaves out the newline that Django puts after the start tag.
            if self._textarea:
                self.data[self._textarea] = self.data[self._textarea].lstrip("\r\n")
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.data[self._textarea] += data
        elif self._select and self._option is not None:
            self.choices[self._select["name"]][self._option] += data


def open_page(client: Any, url: str) -> Page:
    response = client.get(url)
    assert response.status_code == 200, response
    return Page(response.content.decode())


def add_row(page: Page, prefix: str, **values: Any) -> int:
    """What "Add another" does: one row more; its number."""
    number = int(page.data[f"{prefix}-TOTAL_FORMS"])
    page.data[f"{prefix}-TOTAL_FORMS"] = str(number + 1)
    page.data |= {f"{prefix}-{number}-{name}": value for name, value in values.items()}
    return number


def row_of(page: Page, prefix: str, name: str, value: Any) -> str:
    """The prefix of the row whose field `name` holds `value`."""
    for number in range(int(page.data[f"{prefix}-INITIAL_FORMS"])):
        if page.data.get(f"{prefix}-{number}-{name}") == str(value):
            return f"{prefix}-{number}"
    raise AssertionError(f"no row of {prefix} has {name}={value}: {page.data}")


def errors(response: Any) -> list[str]:
    """All that the page says is wrong; none if it was stored (a redirect)."""
    if response.status_code == 302:
        return []
    assert response.status_code == 200, response
    context = response.context
    found = [str(text) for errors in context["adminform"].form.errors.values() for text in errors]
    for inline in context["inline_admin_formsets"]:
        found += map(str, inline.formset.non_form_errors())
        found += [str(text) for form in inline.formset.errors for errors in form.values() for text in errors]
    return found
