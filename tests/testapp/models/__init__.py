"""Models that only the tests need, one module for each area."""

from __future__ import annotations

from tests.testapp.models.admin import *  # noqa: F403
from tests.testapp.models.has import *  # noqa: F403
from tests.testapp.models.inserting import *  # noqa: F403
from tests.testapp.models.kinds import *  # noqa: F403
from tests.testapp.models.preload import *  # noqa: F403
from tests.testapp.models.saving import *  # noqa: F403
from tests.testapp.models.soft_delete import *  # noqa: F403
from tests.testapp.models.spelling import *  # noqa: F403
from tests.testapp.models.verbs import *  # noqa: F403
