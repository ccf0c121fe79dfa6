"""Makes SVG elements. Law: attribute values and text are escaped here, so a figure can show any words."""

from collections.abc import Iterable

from markupsafe import Markup, escape

Attribute = str | int | float | None


def tag(name: str, content: object = "", **attributes: Attribute) -> Markup:
    """One element. `class_` becomes class, an underscore a dash; None leaves an attribute out. `content`: text or
    Markup."""
    written = "".join(
        f' {escape(key.rstrip("_").replace("_", "-"))}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{escape(content)}</{name}>")


def group(parts: Iterable[Markup], **attributes: Attribute) -> Markup:
    """Several elements that share attributes."""
    return tag("g", Markup("").join(parts), **attributes)


def figure(width: float, height: float, parts: Iterable[Markup], *, label: str, class_: str = "") -> Markup:
    """A figure that scales with its place. A screen reader speaks `label`."""
    return tag(
        "svg",
        Markup("").join(parts),
        viewBox=f"0 0 {width:g} {height:g}",
        class_=f"figure {class_}".strip(),
        role="img",
        aria_label=label,
        style=f"max-width:{width:g}px",
    )


def text(x: float, y: float, words: object, *, class_: str = "", anchor: str = "start") -> Markup:
    """A text at a position."""
    return tag("text", words, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, class_: str) -> Markup:
    """A straight line between two points."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def title(words: str) -> Markup:
    """The text that appears when the pointer rests on the element."""
    return tag("title", words)


def _value(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
