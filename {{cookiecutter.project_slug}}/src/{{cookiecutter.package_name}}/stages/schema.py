"""make schema: updates the schema to match the current data, after showing the changes."""

from ..config import Config
from ..validation import data_statistics, schema


def main(config: Config) -> None:
    """Prints what changes and writes the new schema."""
    statistics = data_statistics.compute(config)
    if not config.schema_path.exists():
        schema.write(schema.infer(statistics, config), config)
        print(f"wrote {config.schema_path}, inferred from the training split: review and commit it")
        return
    old = schema.load(config)
    new = schema.update(old, statistics, config)
    changes = schema.differences(old, new)
    if changes:
        schema.write(new, config)
        print("\n".join(changes))
    print(f"wrote {config.schema_path}: commit it" if changes else f"{config.schema_path} matches the data already")
