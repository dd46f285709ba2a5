"""params.yaml, typed."""

from stages.tickets.settings.study import *  # noqa: F403
