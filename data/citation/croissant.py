"""Describe the demo's faces for machines: `data/demo/croissant.json`, out of the manifests and the datasheet.

Croissant 1.0 with the vocabulary of responsible AI (RAI 1.0). No number and no sentence is written here: files, columns
and hashes are those of `data/demo/*/manifest.csv`, what is said about them stands in `data/demo/README.md`.
"""

import json
import re

import codemeta
import pandas as pd
from codemeta import ROOT

from ferlib.errors import InputError
from ferlib.provenance import sha256

DEMO = ROOT / "data" / "demo"
DATASHEET = DEMO / "README.md"

FORBIDDEN = "What they must not be used for"
"""Where the section on uses turns from what the faces are for to what they are not for."""

CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{word: f"cr:{word}" for word in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
        "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
        "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )},
}  # fmt: skip
"""The words of Croissant 1.0, as its specification lists them."""


def plain(text):
    """Markdown as one paragraph of plain text."""
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"\*\*|`", "", text).split())


def section(text, heading):
    """What stands under a heading of the datasheet, its table left out."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        remedy = f"Write it, or name the section that stands for it in {__name__}.py."
        raise InputError(f"data/demo/README.md has no section '## {heading}'. {remedy}")
    return plain(re.sub(r"^\|.*\n", "", found[1], flags=re.M))


def paragraph(text, beginning):
    """The paragraph of the datasheet that begins with some words."""
    found = re.search(rf"^{re.escape(beginning)}.*?(?=\n\n|\Z)", text, re.M | re.S)
    if not found:
        raise InputError(f"data/demo/README.md has no paragraph that begins with '{beginning}'. Write it there.")
    return plain(found[0])


def meanings(text):
    """What the tables of a datasheet say about each column; `au01` ... `au43` speaks for all of them."""
    told = {}
    for names, meaning in re.findall(r"^\| (`[^|]*) \| (.*) \|$", text, re.M):
        told.update(dict.fromkeys(re.findall(r"`(\w+)`", names), plain(meaning)))
    return told


def meaning_of(column, told):
    """Description of one column; one that no table explains is said to be explained in its set's README."""
    name = "au01" if re.fullmatch(r"au\d\d", column) else column
    return told.get(name, "See the set's README.")


def kinds(tables):
    """Type of each column, the same in every set that has it."""
    every = pd.concat(tables)
    return {
        column: "sc:Integer" if pd.api.types.is_integer_dtype(values.dropna().convert_dtypes())
        else "sc:Float" if pd.api.types.is_numeric_dtype(values) else "sc:Text"
        for column, values in every.items()
    }  # fmt: skip


def distribution(table, pictures):
    """A set's table and the pictures that it lists, with the hash of the table, which holds the pictures' own."""
    name = table.parent.name
    folder = {path.rsplit("/", 1)[0] for path in pictures}
    suffix = {path.rsplit(".", 1)[1] for path in pictures}
    if len(folder) != 1 or len(suffix) != 1:
        raise InputError(f"{table}: pictures in {sorted(folder)} of kinds {sorted(suffix)}. Keep to one of each.")
    inside, suffix = folder.pop().removeprefix("data/demo/"), suffix.pop()
    return [
        {"@type": "cr:FileObject", "@id": f"{name}/{table.name}", "name": f"{name}/{table.name}",
         "contentUrl": f"{name}/{table.name}", "encodingFormat": "text/csv", "sha256": sha256(table)},
        {"@type": "cr:FileSet", "@id": inside, "name": inside, "encodingFormat": f"image/{suffix}",
         "includes": f"{inside}/*.{suffix}",
         "description": f"{len(pictures)} pictures; {name}/{table.name} holds the SHA-256 of each."},
    ]  # fmt: skip


def records(table, columns, told, types):
    """The rows of a set's table; `path` names the picture (mlcroissant 1.1 cannot open WebP by itself)."""
    name = f"{table.parent.name}/{table.stem}"
    fields = [
        {
            "@type": "cr:Field", "@id": f"{name}/{label}", "name": label, "dataType": types[label],
            "description": meaning_of(label, told),
            "source": {"fileObject": {"@id": f"{table.parent.name}/{table.name}"}, "extract": {"column": label}},
        }
        for label in columns
    ]  # fmt: skip
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def described():
    """The demo's faces in the words of Croissant, as text."""
    text, about = DATASHEET.read_text(encoding="utf-8"), json.loads(codemeta.described())
    paths = [*sorted(DEMO.glob("*/manifest.csv")), *sorted(DEMO.glob("*/regions.csv"))]
    tables = {path: pd.read_csv(path) for path in paths}
    types, told = kinds(tables.values()), meanings(text)
    uses, _, misuses = section(text, "Uses").partition(FORBIDDEN)
    if not misuses:
        raise InputError(f"data/demo/README.md, section '## Uses': says nowhere '{FORBIDDEN}'. Write it there.")
    title = re.match(r"# (.*)", text)[1].split(":")[0]
    sets = [part for table, rows in tables.items() for part in distribution(table, rows["path"])]
    record_sets = []
    for table, rows in tables.items():
        readme = (table.parent / "README.md").read_text(encoding="utf-8")
        record_sets.append(records(table, rows.columns, {**meanings(readme), **told}, types))
    whole = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": title,
        "description": f"{paragraph(text, 'Rendered faces').split('. ')[0]}. {section(text, 'Motivation')}",
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "creator": about["author"],
        "version": about["version"],
        "datePublished": about["datePublished"],
        "citeAs": f"{about['author'][0]['name']}. {title}, version {about['version']}. In: {about['name']}",
        "isLiveDataset": False,
        "rai:dataCollection": section(text, "How they were made"),
        "rai:dataCollectionType": "Others",
        "rai:dataAnnotationProtocol": f"emotion: {told['emotion']}. race, gender and group: {told['race']}.",
        "rai:dataUseCases": uses.strip(),
        "rai:dataSocialImpact": FORBIDDEN + misuses,
        "rai:dataLimitations": section(text, "What is not right"),
        "rai:dataReleaseMaintenancePlan": section(text, "Licence and care"),
        "rai:dataBiases": paragraph(text, "**The groups are"),
        "rai:personalSensitiveInformation": paragraph(text, "No image shows a person"),
        "distribution": sets,
        "recordSet": record_sets,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
