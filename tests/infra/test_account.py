"""The stack that an account has once: each part of it is there only if it was asked for."""

import pytest

from deployment.stacks import ORDER, TEMPLATES, Stack, read_environment
from tests.infra.templates import declared_parameters, leave_as_it_is, read_template, resolve

STACK = Stack("account", "account", {})
ALWAYS = {"AWS::AccessAnalyzer::Analyzer", "AWS::ECR::RegistryScanningConfiguration"}
SWITCHES = {
    "GuardDuty": {"AWS::GuardDuty::Detector"},
    "MalwareScans": {"AWS::GuardDuty::MalwareProtectionPlan", "AWS::IAM::Role"},
    "SecurityHub": {"AWS::SecurityHub::Hub", "AWS::SecurityHub::Standard"},
}


def types(**parameters: str) -> set[str]:
    return {
        each["Type"]
        for each in resolve(STACK, read_environment("dev") | parameters, {}, leave_as_it_is).resources.values()
    }


def test_only_what_is_free_is_there_by_itself_and_that_can_be_left_out():
    assert types() == ALWAYS
    assert types(AccessAnalyzer="no", ImageScans="no") == set()


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_brings_what_it_names(switch):
    assert types(**{switch: "yes"}) == ALWAYS | SWITCHES[switch]


def test_it_is_no_part_of_an_environment_and_nobody_has_to_tell_it_anything():
    assert "account" not in ORDER
    assert None not in declared_parameters(read_template(TEMPLATES / "account.yaml")).values()
