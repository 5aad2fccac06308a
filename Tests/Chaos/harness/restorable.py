"""A broker whose disk can be set back."""

import pathlib
import shutil

from Cluster.harness.brokers import Broker


class RestorableBroker(Broker):
    """Its log directory is copied and put back while the node is down, as a backup of its disk is."""

    @property
    def _data(self) -> pathlib.Path:
        return self.directory / "data"

    def forgotten_ends(self) -> int:
        """Of how many transactions the coordinator gave up to write the end to some partition."""
        log = (self.directory / "broker.log").read_text(errors="replace")
        return log.count("these partitions are likely deleted already and hence can be skipped")

    def back_up(self, name: str) -> None:
        self.kill()
        shutil.copytree(self._data, self.directory / name)
        self._serve()

    def restore(self, name: str) -> None:
        self.kill()
        shutil.rmtree(self._data)
        shutil.move(self.directory / name, self._data)
        self._serve()

    def _serve(self) -> None:
        # What a client has learned of leaders may be of a later time than the broker's.
        self._admin = None
        self.ensure_up()
