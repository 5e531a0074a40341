"""Reading the settings: the only reader of the environment's variables."""

import dataclasses
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from environs import Env, EnvValidationError

from shared.settings import API, SIGNING_KEY_CHARACTERS, WORKER, Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class ConfigurationError(Exception):
    """The settings are incomplete or wrong; the text names every variable that is, and why."""


def _read_strings(env: Env, variable: str, **options: Any) -> tuple[str, ...]:
    # None for a value that was refused, which `seal` tells about.
    return tuple(env.list(variable, subcast=str.strip, **options) or ())


READERS: dict[Any, Callable[..., Any]] = {
    str: lambda env, variable, **options: env.str(variable, **options),
    int: lambda env, variable, **options: env.int(variable, **options),
    float: lambda env, variable, **options: env.float(variable, **options),
    tuple[str, ...]: _read_strings,
}

SettingsClass = TypeVar("SettingsClass", bound="DataclassInstance")


def read_fields(settings_class: type[SettingsClass]) -> SettingsClass:
    """A settings class filled from the environment's variables.

    Raises: ConfigurationError, naming every variable that is wrong at once.
    """
    env = Env(eager=False)
    types = get_type_hints(settings_class)
    values = {
        field.name: READERS[types[field.name]](
            env, field.metadata["variable"], default=field.default, validate=field.metadata["validate"]
        )
        for field in dataclasses.fields(settings_class)
    }
    try:
        env.seal()
    except EnvValidationError as error:
        raise ConfigurationError(str(error)) from None
    return settings_class(**values)


def read_settings(process: str) -> Settings:
    """The product's settings, for one of `PROCESSES`.

    Raises: ConfigurationError for a value that cannot be, and outside local and ci for all that is missing of what this
    process reads: nothing there may run on a developer's defaults.
    """
    settings = read_fields(Settings)
    problems = [] if settings.is_development else _problems_of_production(settings, process)
    if process == API:
        problems += _problems_of_identity(settings) + _problems_of_retention(settings)
    if process in (API, WORKER):
        problems += _problems_of_reports(settings)
    if problems:
        raise ConfigurationError(f"ENVIRONMENT={settings.environment} needs: {'; '.join(problems)}")
    return settings


def _problems_of_production(settings: Settings, process: str) -> list[str]:
    problems = []
    for field in dataclasses.fields(Settings):
        variable, about = field.metadata["variable"], field.metadata
        if process not in about["read_by"]:
            continue
        if about["production"] and not os.environ.get(variable):
            problems.append(f"{variable} ({about['meaning']})")
        elif about["secret"] and any(len(key) < SIGNING_KEY_CHARACTERS for key in getattr(settings, field.name)):
            problems.append(f"{variable} of at least {SIGNING_KEY_CHARACTERS} characters")
    if process == API and settings.auth_mode == "none":
        problems.append("AUTH_MODE=oidc (none, where nobody is asked who is calling, is for local and ci alone)")
    return problems


def _problems_of_identity(settings: Settings) -> list[str]:
    if settings.auth_mode != "oidc":
        return []
    needed = {"OIDC_ISSUER": settings.oidc_issuer, "OIDC_AUDIENCE": settings.oidc_audience}
    problems = [f"{variable}, for AUTH_MODE=oidc" for variable, value in needed.items() if not value]
    if settings.oidc_issuer.startswith("http:") and not settings.is_development:
        problems.append("an OIDC_ISSUER of https")
    return problems


def _problems_of_reports(settings: Settings) -> list[str]:
    problems = []
    if settings.callback_url and not settings.callback_signing_keys:
        problems.append("CALLBACK_SIGNING_KEY, for CALLBACK_URL")
    if settings.callback_url.startswith("http:") and not settings.is_development:
        problems.append("a CALLBACK_URL of https")
    return problems


def _problems_of_retention(settings: Settings) -> list[str]:
    return [
        f"a class of RETENTION_CLASSES for {name} of DATASET_TYPES; there is no {retention}"
        for name, retention in settings.retention_of_types.items()
        if retention not in settings.retention_days
    ]
