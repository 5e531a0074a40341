"""The evaluator says what IAM would say."""

import pytest

from tests.infra.iam.policies import Need, NotUnderstood, is_allowed, statements_from

OBJECTS = "arn:aws:s3:::raw/uploads/*"
VIA = "kms:ViaService"


def statement(effect="Allow", action="s3:GetObject", resource="arn:aws:s3:::raw/*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def allowed(need, *rows):
    return is_allowed(statements_from({"Statement": [*rows]}), need)


CASES = [
    # what is needed, statements, whether it is allowed
    (Need("s3:GetObject", "arn:aws:s3:::raw/a"), [], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/a"), [statement()], True),
    (Need("s3:getobject", "arn:aws:s3:::raw/a"), [statement(action="S3:GetObject")], True),
    (Need("s3:PutObject", "arn:aws:s3:::raw/a"), [statement()], False),
    (Need("s3:PutObject", "arn:aws:s3:::raw/a"), [statement(action=["s3:GetObject", "s3:PutObject"])], True),
    (Need("s3:GetObjectVersion", "arn:aws:s3:::raw/a"), [statement()], False),
    (Need("s3:GetObjectVersion", "arn:aws:s3:::raw/a"), [statement(action="s3:Get*")], True),
    (Need("s3:GetObject", "arn:aws:s3:::raw"), [statement()], False),
    (Need("s3:GetObject", "arn:aws:s3:::other/a"), [statement()], False),
    # A folder is within the bucket, and not the other way round.
    (Need("s3:GetObject", OBJECTS), [statement()], True),
    (Need("s3:GetObject", "arn:aws:s3:::raw/*"), [statement(resource=OBJECTS)], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/ab"), [statement(resource="arn:aws:s3:::raw/?b")], True),
    (Need("s3:GetObject", "arn:aws:s3:::raw/b"), [statement(resource="arn:aws:s3:::raw/?b")], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/a.b"), [statement(resource="arn:aws:s3:::raw/a${*}b")], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/a*b"), [statement(resource="arn:aws:s3:::raw/a${*}b")], True),
    (Need("s3:GetObject", "arn:aws:s3:::rawX"), [statement(resource="arn:aws:s3:::raw.")], False),
    # A denial wins, wherever it stands.
    (Need("s3:GetObject", "arn:aws:s3:::raw/a"), [statement("Deny"), statement()], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/a"), [statement(), statement("Deny", "s3:*", "*")], False),
    (Need("s3:GetObject", "arn:aws:s3:::raw/a"), [statement(), statement("Deny", resource=OBJECTS)], True),
]


@pytest.mark.parametrize(("need", "rows", "expected"), CASES)
def test_a_right_is_given_by_a_statement_and_taken_by_a_denial(need, rows, expected):
    assert allowed(need, *rows) is expected


S3, SQS = ((VIA, f"{service}.us-east-1.amazonaws.com") for service in ("s3", "sqs"))
CONDITIONS = [
    # the condition, what is known of the request, whether it is allowed
    ({"StringEquals": {VIA: S3[1]}}, (S3,), True),
    ({"StringEquals": {VIA: S3[1]}}, (SQS,), False),
    ({"StringEquals": {VIA: S3[1]}}, (), False),
    ({"StringEquals": {VIA: [S3[1], SQS[1]]}}, (SQS,), True),
    ({"StringLike": {VIA: "s3.*"}}, (S3,), True),
    ({"StringLike": {VIA: "s3.*"}}, (SQS,), False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*"}}, (("aws:SourceArn", "arn:aws:ecs:x:1:y"),), True),
    ({"Bool": {"aws:MultiFactorAuthPresent": True}}, (("aws:MultiFactorAuthPresent", "true"),), True),
    ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, (), False),
    ({"StringNotEquals": {VIA: S3[1]}}, (SQS,), True),
    ({"StringNotEquals": {VIA: S3[1]}}, (S3,), False),
    ({"StringNotEquals": {VIA: S3[1]}}, (), True),
    # All lines must hold.
    ({"StringEquals": {VIA: S3[1], "aws:SourceAccount": "1"}}, (S3,), False),
    ({"StringEquals": {VIA: S3[1]}, "StringLike": {VIA: "sqs.*"}}, (S3,), False),
]


@pytest.mark.parametrize(("condition", "context", "expected"), CONDITIONS)
def test_a_condition_holds_by_what_is_known_of_the_request(condition, context, expected):
    need = Need("kms:Decrypt", "arn:aws:kms:x:1:key/k", context)

    assert allowed(need, statement(action="kms:Decrypt", resource="*", Condition=condition)) is expected


@pytest.mark.parametrize(
    "row",
    [
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::raw"},
        statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        statement("Permit"),
    ],
)
def test_what_the_evaluator_does_not_know_is_not_judged(row):
    with pytest.raises(NotUnderstood):
        statements_from({"Statement": [row]})
