"""Messages about wrong calls of a partition's verbs: the verbs that exist, and their arguments."""

import inspect
import re

from harness.errors import suggest
from workloads.partition import Partition, ProgramPartition

_VERBS = {
    name: function
    for owner in (Partition, ProgramPartition)
    for name, function in vars(owner).items()
    if inspect.isfunction(function) and not name.startswith("_")
}
_CLASSES = ("BlockingPartition", "RealPartition")
_CALL = re.compile(rf"(?:(?:{'|'.join(_CLASSES)})\.)?(?P<verb>\w+)\(\) .*", re.DOTALL)


def wrong_call(error: BaseException | None) -> str:
    """Describe a call of an unknown verb, or a verb's call with wrong arguments.

    Parameters
    ----------
    error
        What the call raised.

    Returns
    -------
    str
        The verb, and what would be right; empty for any other error.
    """
    if isinstance(error, AttributeError) and type(error.obj).__name__ in _CLASSES:
        name = str(error.name)
        text = f"self.partition.{name}: "
        if name in _VERBS:
            return f"{text}only real targets have this verb"
        return text + suggest(name, (verb for verb in _VERBS if hasattr(error.obj, verb)), "verb")
    call = _CALL.fullmatch(str(error)) if isinstance(error, TypeError) else None
    if call is None or call["verb"] not in _VERBS:
        return ""
    verb = call["verb"]
    parameters = list(inspect.signature(_VERBS[verb]).parameters.values())[1:]
    right = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
    # Python and compiled code say what is wrong in different words.
    return f"{verb}() is called with other arguments; write self.partition.{verb}({right})"
