"""What the theme `gorm_assoc` of graph_models asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from gorm_assoc.catalogue.graph import edges, node

register = template.Library()


@register.simple_tag
def association_edges(graphs: Iterable[Mapping[str, Any]]) -> SafeString:
    """Our relations between the models of these graphs, in the language of Graphviz."""
    shown = {described["model"] for graph in graphs for described in graph["models"]}
    lines = []
    for edge in edges({model for model in shown if not model._meta.abstract}):
        if edge.target not in shown:
            lines.append(f'  {node(edge.target)} [label="{edge.target.__name__}"]')
        lines.append(f"  {edge}")
    return mark_safe("\n".join(lines))  # names of classes and fields only
