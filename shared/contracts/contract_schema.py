"""The part of the Open Data Contract Standard that this platform takes, as JSON Schema 2020-12.

Every field of the standard is one of three: it is checked, and then the schema says what it may be; it only
describes, and then it is kept as it is; or it demands what nobody here would check, and then it is refused with
the reason, so that no contract promises more than is held.
"""

from collections.abc import Mapping
from typing import Any

from shared.job_types.parts import COLUMN_NAME
from shared.schema_problems import END

API_VERSIONS = ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"]
MOST_COLUMNS = 500
PATTERN_CHARACTERS = 200
NAME = rf"^[a-z][a-z0-9_-]{{0,63}}{END}"
VERSION = rf"^(0|[1-9][0-9]{{0,4}})\.(0|[1-9][0-9]{{0,4}})\.(0|[1-9][0-9]{{0,4}}){END}"
DATE = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{END}"
TIMESTAMP = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?Z{END}"
DECIMAL = rf"^decimal\(([1-9]|[12][0-9]|3[0-8]),([0-9]|[12][0-9]|3[0-8])\){END}"

Schema = dict[str, Any]


def text(description: str, most: int = 256, **more: Any) -> Schema:
    """The schema of a text."""
    return {"type": "string", "description": description, "maxLength": most, **more}


def flag(description: str) -> Schema:
    """The schema of true or false."""
    return {"type": "boolean", "description": description, "default": False}


def refused(reason: str) -> Schema:
    """The schema of a field that may not be there."""
    return {"not": {}, "description": reason}


def kept(**types: str) -> dict[str, Schema]:
    """The schemas of fields that describe, by the type that the standard gives them."""
    return {name: {"type": kind, "description": "Kept as it is."} for name, kind in types.items()}


def closed(properties: Mapping[str, Schema], required: list[str], description: str, **more: Any) -> Schema:
    """The schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "description": description,
        "required": required,
        "additionalProperties": False,
        "properties": dict(properties),
        **more,
    }


DESCRIBES = kept(
    id="string",
    description="string",
    businessName="string",
    deprecated="boolean",
    synonyms="array",
    authoritativeDefinitions="array",
    tags="array",
    customProperties="array",
)

NO_QUALITY = refused("Quality rules are not run here: say it by required, unique and logicalTypeOptions, or leave it.")
NO_RELATIONSHIPS = refused("Relationships to other tables are not checked here.")
NO_NESTING = refused("A column of a CSV file holds one value: objects, lists and maps are not possible.")


def bounds(of: Schema) -> dict[str, Schema]:
    """The four bounds of a range whose ends are of this schema."""
    meanings = {
        "minimum": "The least value.",
        "exclusiveMinimum": "Every value is greater than this.",
        "maximum": "The greatest value.",
        "exclusiveMaximum": "Every value is less than this.",
    }
    return {name: {**of, "description": f"{meaning} {of['description']}"} for name, meaning in meanings.items()}


WHOLE = {
    "type": "integer",
    "description": "A whole number.",
    "minimum": -(2**63),
    "maximum": 2**63 - 1,
}
REAL = {"type": "number", "description": "A number.", "minimum": -1e300, "maximum": 1e300}
LENGTH = {"type": "integer", "description": "In characters.", "minimum": 0, "maximum": 2**31 - 1}
NO_MULTIPLES = refused("Multiples are not checked here.")

OPTIONS: Mapping[str, Mapping[str, Schema]] = {
    "string": {
        "minLength": {**LENGTH, "description": "The fewest characters."},
        "maxLength": {**LENGTH, "description": "The most characters."},
        "pattern": text(
            "A regular expression of ECMAScript that some part of the text must match; the whole between ^ and $.",
            PATTERN_CHARACTERS,
            examples=["^[A-Z]{2}$"],
        ),
        "format": refused("Formats of texts are not checked here: say it by a pattern."),
    },
    "integer": {
        **bounds(WHOLE),
        "format": {
            "type": "string",
            "description": "Its size: i8, i16, i32 or i64.",
            "enum": ["i8", "i16", "i32", "i64"],
            "default": "i32",
        },
        "multipleOf": NO_MULTIPLES,
    },
    "number": {
        **bounds(REAL),
        "format": {
            "type": "string",
            "description": "Its size: f32 or f64; for an exact number write physicalType instead.",
            "enum": ["f32", "f64"],
            "default": "f64",
        },
        "multipleOf": NO_MULTIPLES,
    },
    "date": {
        **bounds(text("A date: yyyy-MM-dd.", 10, pattern=DATE)),
        "format": refused("How dates are written is the job's dateFormat; ISO 8601 without it."),
    },
    "timestamp": {
        **bounds(text("A time in UTC: yyyy-MM-ddTHH:mm:ssZ.", 27, pattern=TIMESTAMP)),
        "format": refused("How times are written is the job's timestampFormat; ISO 8601 without it."),
        "timezone": refused("A time that names no zone is read as UTC; this cannot be changed here."),
        "defaultTimezone": refused("A time that names no zone is read as UTC; this cannot be changed here."),
    },
    "boolean": {},
}


def with_type(logical_type: str) -> Schema:
    """What a column of a type may say besides."""
    options = closed(OPTIONS[logical_type], [], "What its values may be.")
    demanded: dict[str, Schema] = {"logicalTypeOptions": options}
    if logical_type != "number":
        demanded["physicalType"] = refused("Only a number's exact type, decimal(p,s), is held here; leave it out.")
    return {
        "if": {"required": ["logicalType"], "properties": {"logicalType": {"const": logical_type}}},
        "then": {"properties": demanded},
    }


COLUMN = closed(
    {
        "name": COLUMN_NAME,
        "logicalType": {
            "type": "string",
            "description": "The type of its values; time, object, array, map and vector are not possible.",
            "enum": [*OPTIONS],
        },
        "logicalTypeOptions": {"type": "object", "description": "What its values may be, by its logicalType."},
        "physicalType": text("The exact type of a number: decimal(p,s), with no blank.", 14, pattern=DECIMAL),
        "required": flag("Whether every row must have a value, and every file the column."),
        "unique": flag("Whether no two rows may have the same value; rows without a value do not count."),
        "primaryKey": flag("Whether it is a part of the key: required, and no two rows have all parts alike."),
        "primaryKeyPosition": {
            "type": "integer",
            "description": "Its place in the key; kept as it is.",
            "minimum": -1,
            "maximum": MOST_COLUMNS,
        },
        "classification": text(
            "How sensitive it is, such as pii or public, in words of your own; goes into the output's schema.",
            64,
            minLength=1,
            examples=["pii"],
        ),
        **DESCRIBES,
        **kept(
            examples="array",
            criticalDataElement="boolean",
            transformSourceObjects="array",
            transformLogic="string",
            transformDescription="string",
        ),
        "physicalName": refused("A column is known by its name; give that the name in the header."),
        "partitioned": refused("The job's partitionBy says how the output is partitioned."),
        "partitionKeyPosition": refused("The job's partitionBy says how the output is partitioned."),
        "encryptedName": refused("Nothing is encrypted by column here."),
        "semanticType": refused("Every property is a column here."),
        "enum": refused("Lists of allowed values are not checked here: say it by a pattern, as in ^(a|b)$."),
        "quality": NO_QUALITY,
        "relationships": NO_RELATIONSHIPS,
        "properties": NO_NESTING,
        "items": NO_NESTING,
        "map": NO_NESTING,
        "vector": NO_NESTING,
    },
    ["name", "logicalType"],
    "A column.",
    allOf=[with_type(each) for each in OPTIONS],
)

TABLE = closed(
    {
        "name": text("The table's name.", 128, minLength=1),
        "logicalType": {"type": "string", "description": "A table is an object.", "enum": ["object"]},
        "properties": {
            "type": "array",
            "description": "The columns, in the order of the header.",
            "minItems": 1,
            "maxItems": MOST_COLUMNS,
            "items": COLUMN,
        },
        **DESCRIBES,
        **kept(physicalName="string", physicalType="string", dataGranularityDescription="string"),
        "quality": NO_QUALITY,
        "relationships": NO_RELATIONSHIPS,
        "context": refused("Constraints for machines that read are not checked here."),
    },
    ["name", "properties"],
    "The table.",
)

DOCUMENT = closed(
    {
        "apiVersion": {"type": "string", "description": "The version of the standard.", "enum": API_VERSIONS},
        "kind": {"type": "string", "description": "What this is.", "enum": ["DataContract"]},
        "id": text("An id of your own.", minLength=1),
        "name": text(
            "The contract's name, as in the path: small letters, digits, - and _, a letter first, 64 at most.",
            64,
            pattern=NAME,
        ),
        "version": text("The contract's version, as in the path: three numbers, such as 1.0.0.", 17, pattern=VERSION),
        "status": text("Where it is in its life, in words of your own, such as active; kept as it is.", 64),
        "schema": {
            "type": "array",
            "description": "One table.",
            "minItems": 1,
            "maxItems": 1,
            "items": TABLE,
        },
        **kept(
            tenant="string",
            tags="array",
            dataProduct="string",
            description="object",
            domain="string",
            support="array",
            price="object",
            authoritativeDefinitions="array",
            customProperties="array",
            contractCreatedTs="string",
        ),
        # The standard changed its form: a list of members until 3.0, an object since 3.1.
        "team": {"description": "Kept as it is."},
        "servers": refused("Jobs and datasets name a contract, not the other way round: leave the servers out."),
        "roles": refused("Who may read or write is not taken from contracts."),
        "slaProperties": refused("Service levels are not watched here."),
        "slaDefaultElement": refused("Service levels are not watched here."),
        "context": refused("Constraints for machines that read are not checked here."),
    },
    ["apiVersion", "kind", "id", "name", "version", "status", "schema"],
    "A data contract by the Open Data Contract Standard, with what is checked here and what describes.",
)
