"""Markdown for the cards of the demo models."""


def table(rows):
    """Rows, each a dict, as a Markdown table with the columns of the first; str."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *[[row.get(column, "") for column in columns] for row in rows]]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
