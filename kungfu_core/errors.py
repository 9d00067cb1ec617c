"""What can go wrong, by what the caller does about it.

    KungfuError                 every error of ours; its text is meant for the user as it stands
    ├── ConfigError             mend the configuration: names file, line, key and what was expected
    ├── PluginError             mend or remove the plugin that it names
    ├── JournalError            a journal cannot be used as asked (also an OSError)
    │   ├── JournalLocked       another process writes it
    │   └── JournalCorrupt      the file is damaged at the place that it names
    ├── DataError               mend the input data: names file, line and what was expected
    ├── OrderError              an order that cannot be said exactly (also a ValueError)
    └── SessionError            a component of a session failed; names it and why

A refusal (of an order, by a limit) is an event, not an error.
"""


class KungfuError(Exception):
    """Any error of the framework; its text is meant for the user as it stands."""


class ConfigError(KungfuError):
    """The configuration is wrong: names file, line, key and what was expected."""


class PluginError(KungfuError):
    """A plugin cannot be used: names it, its distribution and the cause."""


class JournalError(KungfuError, OSError):
    """A journal cannot be used as asked."""


class JournalLocked(JournalError):
    """Another writer has the journal open."""


class JournalCorrupt(JournalError):
    """A journal file is damaged: names file and offset."""


class DataError(KungfuError):
    """Input data is wrong: names file, line and what was expected."""


class OrderError(KungfuError, ValueError):
    """An order cannot be said exactly: names the value and what was expected."""


class SessionError(KungfuError):
    """A component of a session failed: names it and why. What it journaled is kept."""
