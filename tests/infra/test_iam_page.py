"""docs/iam.md says of each role what the templates say."""

import re
from pathlib import Path

import pytest

from tests.infra.iam.deployer import policies_of, resolve_deployer
from tests.infra.iam.proof import all_stacks, roles_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "iam.md").read_text()
ROLES = {
    **roles_of(all_stacks("dev")),
    "RotatorRole": roles_of({"deployer": resolve_deployer("dev")})["RotatorRole"],
}
ROW = re.compile(r"^\| `(\w+)` \| ((?:`[\w:-]+` ?)+)\| .+ \|$", re.MULTILINE)


def chapter(role: str) -> str:
    """What the page says of a role."""
    return PAGE.partition(f"\n## {role}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("role", ROLES)
def test_the_page_lists_each_statement_of_a_role_with_its_actions(role):
    listed = [(sid, re.findall(r"`([^`]+)`", actions)) for sid, actions in ROW.findall(chapter(role))]

    assert listed == [(each.sid, [*each.actions]) for each in ROLES[role]]


def test_the_page_names_each_policy_of_the_deployers_role_and_each_statement_on_everything():
    policies = policies_of(resolve_deployer("dev"))

    on_everything = {row.sid for rows in policies.values() for row in rows if "*" in row.resources}

    assert on_everything
    assert {name for name in (*policies, *on_everything) if f"`{name}`" not in PAGE} == set()
