"""Reads translation memories: TMX files, the XML in which translation tools exchange pairs."""

import io
import xml.etree.ElementTree as ET

from ..config import Config
from ..core.errors import InputError

ENTITY = "<!ENTITY"  # with which a small file can unfold to fill the memory; translation tools write none
LANGUAGE = ("{http://www.w3.org/XML/1998/namespace}lang", "lang")


def read(config: Config, name: str, payload: bytes) -> tuple[list[str], list[str]]:
    """The sources and the targets of all units that have both.

    `target` and `source_column` are languages such as fr, of which fr-CA is one; an empty `source_column` is the
    language that the file names as its source, or else any other one.

    Raises:
        InputError: it is no TMX, declares entities, or has no unit in both languages.
    """
    if any(ENTITY.encode(encoding) in payload for encoding in ("utf-8", "utf-16-le", "utf-16-be")):
        raise InputError(f"{name} declares XML entities, which are not read; write it anew without them")
    wanted, known = config.source_column, set[str]()
    sources, targets = list[str](), list[str]()
    try:
        for _, element in ET.iterparse(io.BytesIO(payload)):  # noqa: S314 (no entities, see above)
            if element.tag == "header" and not wanted:
                wanted = element.get("srclang", "").replace("*all*", "")
            if element.tag == "tu":
                texts = {language(variant): segment(variant) for variant in element.iter("tuv")}
                known |= texts.keys()
                target = next((text for tag, text in texts.items() if is_one_of(tag, config.target)), None)
                source = next((text for tag, text in texts.items() if is_source(config, tag, wanted)), None)
                if source is not None and target is not None:
                    sources.append(source)
                    targets.append(target)
                element.clear()
    except ET.ParseError as error:
        raise InputError(f"{name} is no valid TMX: {error}; write or fetch it again") from error
    if not sources:
        languages = ", ".join(sorted(known)) or "none"
        raise InputError(f"{name} has no unit in both {wanted or 'a source'} and {config.target}; it has: {languages}")
    return sources, targets


def language(variant: ET.Element) -> str:
    """The language of a variant of a unit."""
    return next((value for name in LANGUAGE if (value := variant.get(name))), "")


def segment(variant: ET.Element) -> str:
    """The text of a variant, without the marks of its layout."""
    found = variant.find("seg")
    return "" if found is None else "".join(found.itertext())


def is_one_of(tag: str, wanted: str) -> bool:
    """Whether a language is the wanted one, or one of its kinds."""
    return tag.lower() == wanted.lower() or tag.lower().startswith(f"{wanted.lower()}-")


def is_source(config: Config, tag: str, wanted: str) -> bool:
    """Whether a language is the one to translate from."""
    return is_one_of(tag, wanted) if wanted else not is_one_of(tag, config.target)
