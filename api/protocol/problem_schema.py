"""Problem documents (RFC 9457) as the document shows them."""

from marshmallow import Schema, fields

QuotaOfProblemSchema = Schema.from_dict(
    {
        "name": fields.String(required=True, metadata={"description": "Which quota, as GET /quota names it."}),
        "limit": fields.Integer(required=True, metadata={"description": "How much each owner may have."}),
        "used": fields.Integer(required=True, metadata={"description": "How much the owner had."}),
    },
    name="QuotaOfProblemSchema",
)
LinksOfProblemSchema = Schema.from_dict(
    {
        "limit": fields.Integer(required=True, metadata={"description": "How many new ones an owner gets in a while."}),
        "made": fields.Integer(required=True, metadata={"description": "How many the owner got."}),
    },
    name="LinksOfProblemSchema",
)
DatasetOfProblemSchema = Schema.from_dict(
    {
        "datasetId": fields.String(required=True, metadata={"description": "Which dataset."}),
        "pii": fields.String(required=True, metadata={"description": "What is known of personal data in it."}),
    },
    name="DatasetOfProblemSchema",
)
FieldProblemSchema = Schema.from_dict(
    {
        "pointer": fields.String(
            required=True,
            metadata={"description": "A JSON pointer into the body, or /query/<name>, or /header/<name>."},
        ),
        "message": fields.String(required=True, metadata={"description": "What is wrong, and what would be right."}),
    },
    name="FieldProblemSchema",
)
ProblemSchema = Schema.from_dict(
    {
        "type": fields.String(required=True, metadata={"description": "urn:cdp:problem: and the code."}),
        "title": fields.String(required=True, metadata={"description": "What the code means."}),
        "status": fields.Integer(required=True, metadata={"description": "The HTTP status."}),
        "detail": fields.String(required=True, metadata={"description": "What happened this time."}),
        "code": fields.String(required=True, metadata={"description": "The stable name of the error."}),
        "correlationId": fields.String(required=True, metadata={"description": "What to quote when you ask for help."}),
        "errors": fields.List(
            fields.Nested(FieldProblemSchema), required=True, metadata={"description": "The fields that are wrong."}
        ),
        "quota": fields.Nested(
            QuotaOfProblemSchema, metadata={"description": "Of quota_exceeded: which one, and how much of it is used."}
        ),
        "links": fields.Nested(LinksOfProblemSchema, metadata={"description": "Of too_many_links: the limit."}),
        "missingParts": fields.List(
            fields.Integer(), metadata={"description": "Of upload_missing: the first 100 parts that are not there."}
        ),
        "datasets": fields.List(
            fields.Nested(DatasetOfProblemSchema),
            metadata={"description": "Of dataset_held_back: those that may not be read."},
        ),
        "expected": fields.Dict(metadata={"description": "Of upload_mismatch: what was registered."}),
        "found": fields.Dict(metadata={"description": "Of upload_mismatch: what S3 recorded."}),
    },
    name="ProblemSchema",
)
