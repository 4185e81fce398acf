"""Describe a release as an RO-Crate: every file with its hash, and what each notebook read and wrote.

RO-Crate 1.1 with the profile *Process Run Crate* 0.5, from the records in a run's `provenance/`. These hold no times,
and so the crate holds none.
"""

import json
import mimetypes
from pathlib import PurePath

import codemeta
from codemeta import ROOT

PICTURES = ("data/demo/*/images/*", "data/demo/*/masks/*")
"""Files by the thousand, listed with their hashes in the table of their set; the crate names their folder."""


def ref(name):
    """Pointer to another entity of the crate, or to several."""
    return [{"@id": one} for one in name] if isinstance(name, list) else {"@id": name}


def part(name, digest, size):
    """One file of the release."""
    kind = ["File", "SoftwareSourceCode"] if name.endswith((".py", ".ipynb")) else "File"
    form = "application/x-ipynb+json" if name.endswith(".ipynb") else mimetypes.guess_type(name)[0]
    entity = {"@id": name, "@type": kind, "name": name, "encodingFormat": form or "application/octet-stream"}
    return entity | {"contentSize": str(size), "sha256": digest}


def program(name, version):
    """A package that took part, by its version's page."""
    page = (
        f"https://docs.python.org/release/{version}/"
        if name == "python"
        else f"https://pypi.org/project/{name}/{version}/"
    )
    return {"@id": page, "@type": "SoftwareApplication", "name": name, "softwareVersion": version, "url": page}


def action(record, known, prefix):
    """The execution of one notebook: with which parameters, out of which files, into which.

    Parameters
    ----------
    record : dict
        What `provenance/<notebook>.json` holds.
    known : collection of str
        Files and folders of the release.
    prefix : str
        The run's folder; its records name its files relative to it.

    Returns
    -------
    list of dict
        The action, its parameters, and what it read that the release does not hold.
    """
    name, notebook = record["notebook"], f"notebooks/{record['notebook']}.ipynb"
    settings = [
        {"@id": f"#{name}/{key}", "@type": "PropertyValue", "name": key, "value": json.dumps(value)}
        for key, value in {**record.get("parameters", {}), "seed": record["seed"]}.items()
    ]

    def place(path):
        return next((at for at in (f"{prefix}/{path}", path, f"{path}/") if at in known), f"#{path}")

    reads = {place(path): digest for path, digest in record["reads"].items()}
    elsewhere = [
        {"@id": at, "@type": "CreativeWork", "name": at[1:], "description": "Read by the run; not part of the release.",
         "sha256": digest} for at, digest in reads.items() if at.startswith("#")
    ]  # fmt: skip
    done = {
        "@id": f"#{name}", "@type": "CreateAction", "name": f"Execution of {notebook}", "instrument": ref(notebook),
        "actionStatus": "http://schema.org/CompletedActionStatus", "agent": ref("#contributors"),
        "description": f"At commit {record['commit']}, on {record['versions']['platform']}, {record['duration_s']} s.",
        "object": ref([*reads, *(setting["@id"] for setting in settings)]),
        "result": ref([place(path) for path in record["writes"]]),
    }  # fmt: skip
    return [done, *settings, *elsewhere]


def described(files, records, prefix):
    """The crate's metadata file, as text.

    Parameters
    ----------
    files : dict of str to (str, int)
        SHA-256 and size of each file of the release, by its path in it.
    records : list of dict
        Provenance of the notebooks executed.
    prefix : str
        The run's folder in the release.
    """
    about = json.loads(codemeta.described())
    pictures = {name for name in files if any(PurePath(name).match(form) for form in PICTURES)}
    single = {name: told for name, told in files.items() if name not in pictures}
    folders = sorted({f"{name.rsplit('/', 1)[0]}/" for name in pictures} | {
        f"{path}/" for record in records for path in record["reads"] if (ROOT / path).is_dir()
    })  # fmt: skip
    used = {r["notebook"]: [program(*told) for told in r["versions"].items() if told[0] != "platform"] for r in records}
    actions = [entity for r in records for entity in action(r, {*single, *folders}, prefix)]
    whole = {entity["@id"]: entity for entity in (
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": ref("./"),
         "conformsTo": ref("https://w3id.org/ro/crate/1.1")},
        {"@id": "./", "@type": "Dataset", "name": about["name"], "description": about["description"],
         "version": about["version"], "datePublished": about["datePublished"], "license": ref(about["license"]),
         "author": ref("#contributors"), "publisher": ref("#contributors"),
         "isBasedOn": ref(about["referencePublication"]),
         "conformsTo": ref("https://w3id.org/ro/wfrun/process/0.5"), "hasPart": ref([*single, *folders]),
         "mentions": ref([entity["@id"] for entity in actions if entity["@type"] == "CreateAction"])},
        {"@id": "https://w3id.org/ro/wfrun/process/0.5", "@type": "CreativeWork", "name": "Process Run Crate",
         "version": "0.5"},
        {"@id": about["license"], "@type": "CreativeWork", "name": "MIT",
         "description": "Licence of the code; the demo's faces are CC0, see LICENSE-DATA."},
        {"@id": "#contributors", "@type": "Organization", "name": about["author"][0]["name"]},
        *({"@id": url, "@type": "ScholarlyArticle", "name": url} for url in about["referencePublication"]),
        *({"@id": name, "@type": "Dataset", "name": name,
           "description": "SHA256SUMS holds the hash of each file."} for name in folders),
        *(part(name, *told) for name, told in single.items()),
        *(entity for programs in used.values() for entity in programs),
        *actions,
    )}  # fmt: skip
    for notebook, programs in used.items():
        needs = {"version": about["version"], "softwareRequirements": ref([entity["@id"] for entity in programs])}
        whole[f"notebooks/{notebook}.ipynb"] |= needs
    context = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
    return json.dumps({"@context": context, "@graph": list(whole.values())}, indent=1, ensure_ascii=False) + "\n"
