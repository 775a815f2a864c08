# SPDX-License-Identifier: Apache-2.0
"""Elements of a page that is well-formed as HTML and as XML."""
import html

# One for each partition, told apart on light and dark paper and by most eyes.
COLOURS = ["#3b7dd8", "#e07b39", "#2a9d74", "#b5539c", "#c9a227", "#6a5acd", "#d1495b", "#4c8c9b"]


def escape(text):
    return html.escape(str(text), quote=True)


def element(tag, content, /, **attributes):
    """content is markup, None for an element without any; class_ is class, stroke_width stroke-width."""
    text = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
                   for key, value in attributes.items() if value is not None)
    return f"<{tag}{text}/>" if content is None else f"<{tag}{text}>{content}</{tag}>"


def colours(records):
    """Of each partition, by its name."""
    return {partition["name"]: COLOURS[i % len(COLOURS)]
            for i, partition in enumerate(records.of("partition"))}


def size(count):
    """Bytes, as people say them."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024 or count % 1024:
            return f"{count:g} {unit}" if count < 1024 else f"{count / 1024:.1f} {UP[unit]}"
        count //= 1024
    return f"{count} GiB"


UP = {"bytes": "KiB", "KiB": "MiB", "MiB": "GiB"}
