"""A one-node cluster that asks who one is and what one may: SASL and KRaft's standard authorizer.

Users log in with PLAIN or SCRAM-SHA-512. PLAIN is what most tests use: librdkafka before 2.6.1 cannot log in to
Kafka 4 with SCRAM (it sends a nonce that only older brokers take).
"""

import pathlib
import re
import secrets
from dataclasses import dataclass

from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType,
)

from .brokers import Broker
from .processes import free_port, wait_until

# The tests' own clients use the open listener, whose nameless principal is a super user.
SETTINGS = """\
listeners=PLAINTEXT://127.0.0.1:{port},CLIENTS://127.0.0.1:%d,CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CLIENTS://127.0.0.1:%d
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENTS:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
transaction.max.timeout.ms=60000
listener.name.clients.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
PLAIN = (
    "listener.name.clients.plain.sasl.jaas.config="
    "org.apache.kafka.common.security.plain.PlainLoginModule required {users};\n"
)
DENIED = re.compile(
    r"Principal = (\S+) is Denied operation = (\w+) from host = \S+ on resource = (\w+):LITERAL:(\S+) "
    r"for request = (\w+)"
)


@dataclass(frozen=True, order=True)
class Right:
    """One operation on one resource, in the words of kafka-acls: Topic, Group, TransactionalId, Cluster."""

    resource: str
    name: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.resource} {self.name}"

    def entry(self, user: str, kind=AclBinding):
        resource = ResourceType[{"Cluster": "BROKER"}.get(self.resource) or _snake(self.resource)]
        return kind(
            resource, self.name, ResourcePatternType.LITERAL, f"User:{user}", "*",
            AclOperation[_snake(self.operation)], AclPermissionType.ALLOW,
        )


def _snake(camel: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", camel).upper()


def _camel(snake: str) -> str:
    return {"BROKER": "Cluster"}.get(snake) or "".join(word.capitalize() for word in snake.split("_"))


class SecuredBroker(Broker):
    """`bootstrap` and `admin` are the tests' own way in, past every check; `settings` is a client's."""

    def __init__(self, name: str, home: pathlib.Path, *users: str):
        self.clients_port = free_port()
        self.secured = f"127.0.0.1:{self.clients_port}"
        self.passwords = {user: secrets.token_hex(12) for user in ("admin", *users)}
        scram = [
            word for user, password in self.passwords.items()
            for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password},iterations=4096]")
        ]
        super().__init__(
            name, home, SETTINGS % (self.clients_port, self.clients_port) + self._logins(*self.passwords),
            tuple(scram),
        )

    def settings(self, user: str, mechanism: str = "PLAIN") -> dict[str, str]:
        """What a client of that user is told, in librdkafka's words."""
        return {
            "bootstrap.servers": self.secured,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": mechanism,
            "sasl.username": user,
            "sasl.password": self.passwords[user],
        }

    def _logins(self, *users: str) -> str:
        known = " ".join(f'user_{user}="{self.passwords[user]}"' for user in users)
        return PLAIN.format(users=known)

    def admit(self, *users: str) -> None:
        """From the next start of the node on only these log in with PLAIN."""
        with open(self._settings, "a") as settings:
            settings.write(self._logins(*users))

    def grant(self, user: str, *rights: Right) -> None:
        for future in self.admin.create_acls([right.entry(user) for right in rights]).values():
            future.result(timeout=20)
        wait_until(lambda: set(rights) <= self.granted(user), f"{user} to hold its rights")

    def revoke(self, user: str, *rights: Right) -> None:
        found = 0
        for future in self.admin.delete_acls([right.entry(user, AclBindingFilter) for right in rights]).values():
            found += len(future.result(timeout=20))
        assert found == len(rights), f"{found} of {len(rights)} rights were there to be taken"
        wait_until(lambda: not set(rights) & self.granted(user), f"{user} to lose its rights")

    def revoke_all(self, user: str) -> None:
        held = self.granted(user)
        if held:
            self.revoke(user, *held)

    def granted(self, user: str) -> set[Right]:
        """Everything that a user was granted, as the broker's authorizer knows it."""
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None, AclOperation.ANY,
            AclPermissionType.ANY,
        )
        return {
            Right(_camel(acl.restype.name), acl.name, _camel(acl.operation.name))
            for acl in self.admin.describe_acls(every).result(timeout=20)
        }

    def denied(self, user: str, after: int = 0) -> list[tuple[str, Right]]:
        """Requests of a user that the authorizer refused, from a place in the log on, oldest first."""
        return [
            (request, Right(resource, name, _camel(operation)))
            for principal, operation, resource, name, request in DENIED.findall(self.log[after:])
            if principal == f"User:{user}"
        ]

    @property
    def log(self) -> str:
        return (self.directory / "broker.log").read_text(errors="replace")


def tool_path(broker: SecuredBroker, directory: pathlib.Path) -> pathlib.Path:
    """A directory for PATH in which Kafka's tools have the names that documents give them, without `.sh`."""
    directory.mkdir()
    for script in (broker.home / "bin").glob("kafka-*.sh"):
        wrapper = directory / script.stem
        wrapper.write_text(f'#!/bin/sh\nexec {script} "$@"\n')
        wrapper.chmod(0o755)
    return directory
