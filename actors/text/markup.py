"""The control text of chat models: one list, broken up in every prompt and refused in every completion.

Law: a pattern here needs time in proportion to the text. `CONTROL` matches only known tokens, because a match makes a
draft invalid. `BROKEN` may match more, because a match is only shown with invisible joiners.
"""

import re

_NAMES = (
    "s", "bos", "eos", "pad", "unk", "mask", "cls", "sep", "eod", "eot", "eom", "eop", "sop", "think", "thinking",
    "tool_call", "tool_calls", "tool_response", "tool_responses", "function_call", "image", "video", "audio",
    "repo_name", "file_sep", "BOS_TOKEN", "EOS_TOKEN", "PAD_TOKEN", "UNK_TOKEN", "CLS", "MASK_TOKEN", "EOP_TOKEN",
)  # fmt: skip
_BRACKETED = (
    "INST", "SYSTEM_PROMPT", "AVAILABLE_TOOLS", "TOOL_CALLS", "TOOL_RESULTS", "TOOL_CONTENT", "THINK", "MODEL_SETTINGS",
    "ARGS", "CALL_ID", "IMG", "IMG_BREAK", "IMG_END", "AUDIO", "BEGIN_AUDIO", "PREFIX", "MIDDLE", "SUFFIX", "BOS",
    "EOS", "PAD", "UNK", "SEP", "CLS", "MASK", "gMASK", "sMASK", "dMASK",
)  # fmt: skip

_CONTROL = rf"""
    <[|｜][\w▁:./\-]{{1,60}}[|｜]> | <\|[a-z_]{{2,20}}> | <[a-z_]{{2,20}}\|>
    | </?(?:{"|".join(_NAMES)})> | <</?SYS>> | </?seed:[a-z_]{{1,40}}> | ◁/?think▷
    | <(?:start|end)_of_[a-z]{{1,20}}> | <fim[_-][a-z]{{1,20}}>
    | <(?:unused|reserved_|extra_id_|SPECIAL_|mask_)\d{{1,6}}>
    | \[/?(?:{"|".join(_BRACKETED)})\] | \[\|/?\w{{1,40}}\|\] | \[UNUSED_TOKEN_\d{{1,6}}\]
    | \]~!?b[\]\[] | \[e~\[
"""
CONTROL = re.compile(_CONTROL, re.VERBOSE)
"""A whole special token of a known family of chat models."""

BROKEN = re.compile(
    rf"""<{{3,}} | >{{3,}} | {_CONTROL} | <[|｜] | [|｜]> | \[\| | \|\]
    | </?[A-Za-z]{{1,40}}(?:[_:][A-Za-z0-9]{{1,40}}){{1,8}}> | \[/?[A-Z]{{2,40}}(?:_[A-Z0-9]{{1,40}}){{1,8}}\]
    | \]~!?[a-z]{{1,2}}""",
    re.VERBOSE,
)
"""The texts that a prompt breaks up: runs like its own fences, special tokens, and anything built like one."""
