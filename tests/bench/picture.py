# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python picture.py RESULT TARGET``: draws what was measured as SVG. Needs matplotlib, nothing of this project."""

from __future__ import annotations

import io
import json
import re
import sys
import typing as t
from pathlib import Path

from matplotlib import pyplot as plt

# That of this file. Written once more, checkers would take it for a second one.
NOTICE = "".join(line.removeprefix("# ") for line in Path(__file__).read_text("utf-8").splitlines(keepends=True)[:3])
# Of so much contrast with white as with black, and told apart by their marks where colours are not.
GREY = "#6e7781"
LINES = (("#2f81f7", "o"), ("#d1701a", "s"), ("#2da44e", "^"), ("#a371f7", "D"))
STYLE = """<style>
text { font-family: system-ui, sans-serif !important }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 !important } }
</style>
"""

SETTINGS: dict[str, t.Any] = {
    "svg.fonttype": "none",
    # Else the names of parts of the picture are other ones each time.
    "svg.hashsalt": "community.soda",
    "font.size": 11,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY),
}


def drawn(result: t.Mapping[str, t.Any], title: str) -> str:
    """The picture of some series, each a mapping from how many to how long, on logarithmic axes."""
    with plt.rc_context(SETTINGS):
        figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
        for (name, points), (colour, mark) in zip(result["series"].items(), LINES, strict=False):
            xs = [int(x) for x in points]
            axes.plot(xs, list(points.values()), label=name, color=colour, marker=mark, linewidth=2)
        axes.set(xscale="log", yscale="log", xlabel=f"{result['x']} (log)", ylabel=f"{result['y']} (log)", title=title)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.grid(True, color=GREY, alpha=0.3, linewidth=0.7)
        axes.legend(frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Title": title})
        plt.close(figure)
    svg = re.sub(r"<!DOCTYPE.*?>\n?|<metadata>.*?</metadata>\n?", "", text.getvalue(), flags=re.DOTALL)
    opening = re.search(r"<svg [^>]*>\n?", svg)
    assert opening is not None
    svg = svg[: opening.end()] + f"<!--\n{NOTICE}-->\n{STYLE}" + svg[opening.end() :]
    return "".join(line.rstrip() + "\n" for line in svg.splitlines())


if __name__ == "__main__":
    source = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    Path(sys.argv[2]).write_text(drawn(source, source["title"]), "utf-8")
