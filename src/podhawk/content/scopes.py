"""Whose macros a detection sees, if the shipped pack is loaded together with other content.

Both may define a macro of one name: published content has a list of allowed images, and so has the pack. Neither's
definition changes the searches of the other. What a site overrides holds for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podhawk.content.model import Detection, Macro

Macros = dict[tuple[str, int], Macro]


def pack_macros(
    final: Macros, by_home: Mapping[str, Macros], pack: str, detections: Iterable[Detection]
) -> Macros | None:
    """The macros as the pack's detections see them; None if they see those of everybody.

    `final` are the macros of everybody, of which those that the pack took from others are put back. `by_home` are the
    macros as the files of each content root define them.
    """
    every = list(detections)
    others = {one.home for one in every} - {pack}
    mine = by_home.get(pack, {})
    if not mine or not others:
        return None
    theirs: Macros = {key: macro for home in by_home if home in others for key, macro in by_home[home].items()}
    filters = {(one.filter_macro, 0): one for one in every if one.home == pack}
    own = dict(final)
    for key in mine.keys() & theirs.keys():
        if final[key] in (mine[key], theirs[key]):  # else the site has overridden it
            own[key], final[key] = mine[key], theirs[key]
    for key in (filters.keys() & theirs.keys()) - mine.keys():
        if final[key] == theirs[key]:
            own[key] = Macro(key[0], (), "search *", f"Filter macro of {filters[key].name}.", generated=True)
    return own if own != final else None
