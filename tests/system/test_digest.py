# SPDX-License-Identifier: Apache-2.0
"""The image says at boot what it is: the digest that the host computes from its files, wherever it was loaded."""
import os
import struct
import tempfile

import harness
from built import CROSS, ELF
from harness import Machine, SystemTest, require
import image_digest

LIMIT = 60
TEXT_OFFSET = 8  # in the header of an arm64 image: where behind the beginning of memory it is loaded


class Digest(SystemTest):
    """Each test starts an image without partitions."""

    def assert_digest(self, image):
        wanted, _ = image_digest.image_digest(require(ELF), image, CROSS)
        with Machine(image=image) as machine:
            self.watch(machine)
            machine.wait_end(LIMIT)
            self.assertIn(f"[bulkhead] image, SHA-256 {wanted}\n",
                          machine.console.text().replace("\r", ""))
        return wanted

    def test_the_image_prints_the_digest_that_the_host_computes(self):
        self.assert_digest(require(harness.IMAGE))

    def test_an_image_at_another_address_prints_the_digest_of_its_file(self):
        with open(require(harness.IMAGE), "rb") as file:
            content = bytearray(file.read())
        offset, = struct.unpack_from("<Q", content, TEXT_OFFSET)
        struct.pack_into("<Q", content, TEXT_OFFSET, offset + 0x400000)
        with tempfile.TemporaryDirectory() as folder:
            moved = os.path.join(folder, "moved.img")
            with open(moved, "wb") as file:
                file.write(content)
            self.assertNotEqual(self.assert_digest(moved),
                                image_digest.image_digest(ELF, harness.IMAGE, CROSS)[0])
