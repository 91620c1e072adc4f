"""Text of ``format=flowed`` as its writer saw it: soft line ends taken out. Source rule: RFC 3676 4.1 to 4.5."""

__all__ = ["unflow"]

_SIGNATURE = "-- "


def unflow(text: str, *, delete_space: bool = False) -> str:
    r"""Join the lines that the sending program had broken; never fails.

    Args:
        text: decoded, lines end in ``\n``.
        delete_space: the parameter ``DelSp=yes``: the blank in front of a soft line end was added too.

    Returns:
        The text without stuffing; quoted lines keep their signs, followed by one blank.
    """
    out: list[str] = []
    open_depth = -1  # depth of the paragraph that goes on, or -1
    for raw in text.split("\n"):
        depth, line = _split(raw)
        is_signature = line == _SIGNATURE
        if open_depth == depth and not is_signature:
            out[-1] += line
        else:
            out.append(f"{'>' * depth} {line}" if depth else line)
        is_soft = line.endswith(" ") and not is_signature
        open_depth = depth if is_soft else -1
        if is_soft and delete_space:
            out[-1] = out[-1][:-1]
    return "\n".join(out)


def _split(line: str) -> tuple[int, str]:
    """Depth of quotation, and what follows without its stuffing."""
    bare = line.lstrip(">")
    return len(line) - len(bare), bare.removeprefix(" ")
