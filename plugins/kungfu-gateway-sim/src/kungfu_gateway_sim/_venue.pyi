from collections.abc import Mapping

def component(settings: Mapping[str, object]) -> object:
    """Make a venue from validated settings; gives a capsule named kungfu.component.v1."""
