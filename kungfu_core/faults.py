"""How a message tells an exception of code that the core called: what it was, and where."""

import traceback
from pathlib import Path


def exception_text(exception: BaseException) -> str:
    """Give an exception's class and text; plain str() of an exception may raise, too."""
    said = "".join(traceback.format_exception_only(exception)).strip()
    return said.removeprefix(f"{type(exception).__module__}.")


def place(exception: BaseException) -> str:
    """Say where in the file that the core called, and no other, it came from."""
    core = Path(__file__).parent
    frames = traceback.extract_tb(exception.__traceback__)
    outside = [frame for frame in frames if core not in Path(frame.filename).parents]
    own = [frame for frame in outside if frame.filename == outside[0].filename]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
