"""The services that a rotation of keys talks to, as far as it does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.seam import aws_error


class FakeSecrets:
    """Secrets Manager with one secret, which remembers its last value as AWSPREVIOUS."""

    def __init__(self, value: str, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.error: Exception | None = None
        self.versions = {"AWSCURRENT": (value, clock())}

    def get_secret_value(self, SecretId: str, VersionStage: str = "AWSCURRENT") -> Any:
        if self.error and VersionStage == "AWSPREVIOUS":
            raise self.error
        if VersionStage not in self.versions:
            raise aws_error("GetSecretValue", "ResourceNotFoundException")
        value, created_at = self.versions[VersionStage]
        return {"SecretString": value, "CreatedDate": created_at}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:
        self.versions = {"AWSPREVIOUS": self.versions["AWSCURRENT"], "AWSCURRENT": (SecretString, self._clock())}


class FakeEcs:
    """Services whose tasks are replaced two looks after they are asked for; never, if `is_stuck`."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.is_stuck = False
        self.restarted: list[str] = []
        self._begun: dict[str, datetime] = {}
        self._looks: dict[str, int] = {}

    def update_service(self, cluster: str, service: str, forceNewDeployment: bool) -> None:
        assert forceNewDeployment, "else ECS does nothing"
        self.restarted.append(service)
        self._begun[service], self._looks[service] = self._clock(), 0

    def describe_services(self, cluster: str, services: list[str]) -> Any:
        return {"services": [{"deployments": self._deployments(service)} for service in services]}

    def _deployments(self, service: str) -> list[dict[str, Any]]:
        old = {"rolloutState": "COMPLETED", "createdAt": self._clock() - timedelta(days=365)}
        if service not in self._begun:
            return [old]
        self._looks[service] += 1
        done = self._looks[service] > 2 and not self.is_stuck
        new = {"rolloutState": "COMPLETED" if done else "IN_PROGRESS", "createdAt": self._begun[service]}
        return [new] if done else [new, old]
