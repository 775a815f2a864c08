# SPDX-License-Identifier: Apache-2.0
"""What the tools of the host say when they cannot do what they are asked to: one line that names what is
wrong, and an exit status that is not 0. run.py, which starts the emulator, has test_run.
"""
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import harness
from built import CROSS, ELF, call
from harness import require

TOOLS = os.path.join(harness.ROOT, "tools")
PAYLOADS_MOST, NAME_MOST, UNITS_MOST = 31, 63, 8
LIMIT = 120.0
CALLER = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # of a make that runs the tests


def environment_on(path=None):
    """This one, on another search path if one is given, without what a make above leaves in it."""
    kept = {name: value for name, value in os.environ.items() if name not in CALLER}
    return {**kept, **({"PATH": path} if path else {})}


def partition(name, payload, bootargs=""):
    return f'{name} {{ payload = "{payload}"; bootargs = "{bootargs}"; }};'


class ToolTest(unittest.TestCase):
    """Runs a tool that must refuse."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.output = self.path("output")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text=""):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def stand_in(self, name, script):
        """The search path on which that program is a shell script."""
        folder = self.path("bin")
        os.makedirs(folder, exist_ok=True)
        os.chmod(self.write(os.path.join("bin", name), f"#!/bin/sh\n{script}\n"), 0o755)
        return folder + os.pathsep + os.environ["PATH"]

    def assert_refused(self, pattern, *command, path=None):
        """One line, no traceback, and a status that says so."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT,
                              env=environment_on(path), check=False)
        self.assertNotEqual(done.returncode, 0, done)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, pattern)
        return done

    def python(self, tool, *words):
        return sys.executable, os.path.join(TOOLS, tool), *words


class BundleTool(ToolTest):
    """tools/bundle.py"""

    def assert_set(self, pattern, *partitions, image=None, prefix=CROSS, path=None, output=None):
        config = self.write("set.dts", '/dts-v1/; / { partitions { ' + "".join(partitions) + "}; };")
        self.assert_config(pattern, config, image, prefix, path, output)

    def assert_config(self, pattern, config, image=None, prefix=CROSS, path=None, output=None):
        self.assert_refused(pattern, *self.python(
            "bundle.py", "--config", config, "--image", image or require(ELF), "--payloads",
            self.folder, "--prefix", prefix, "--output", output or self.output), path=path)
        self.assertFalse(os.path.exists(self.output), "it wrote a bundle all the same")

    def test_a_set_that_is_not_there(self):
        self.assert_config("none.dts: no such file$", self.path("none.dts"))

    def test_a_set_that_is_no_source_of_a_tree(self):
        self.assert_config(r"set\.dts:1\.\d+-\d+ syntax error$", self.write("set.dts", "/dts-v1/; {"))

    def test_a_symbol_that_the_image_does_not_have(self):
        self.write("a.elf")
        self.assert_set(r"set\.dts:/partitions/one: bootargs: the image has no symbol nothing$",
                        partition("one", "a.elf", "at=${nothing}"))

    def test_a_payload_that_is_nowhere(self):
        self.assert_set(r"set\.dts:/partitions/one: payload: there is no file none\.elf beside the set",
                        partition("one", "none.elf"))

    def test_a_payload_whose_name_is_too_long(self):
        self.assert_set(r"set\.dts:/partitions/one: payload: longer than 63 characters$",
                        partition("one", "a" * (NAME_MOST + 1)))

    def test_more_payloads_than_a_bundle_has_entries_for(self):
        names = [f"p{number}.elf" for number in range(PAYLOADS_MOST + 1)]
        for name in names:
            self.write(name)
        self.assert_set("more than 31 payloads$", *(partition(name[:-4], name) for name in names))

    def test_an_image_that_is_no_elf_file(self):
        self.assert_set("nm: .*set.dts: file format not recognized$", partition("one", "a.elf"),
                        image=self.path("set.dts"))

    def test_an_image_that_is_not_there(self):
        self.assert_set("No such file", partition("one", "a.elf"), image=self.path("none.elf"))

    def test_tools_that_are_not_there(self):
        self.assert_set("^none-nm cannot be run: ", partition("one", "a.elf"), prefix="none-")
        self.assert_set("^bundle.py: dtc: No such file or directory$", partition("one", "a.elf"), path=self.folder)

    def test_bootargs_that_cannot_be_written(self):
        self.write("a.elf")
        self.assert_set(r"set\.dts:/partitions/one: bootargs: fdtput: no room$",
                        partition("one", "a.elf", "at=${image_start}"),
                        path=self.stand_in("fdtput", "echo 'no room' >&2; exit 1"))

    def test_a_place_where_nothing_can_be_written(self):
        self.write("a.elf")
        self.assert_set("nowhere/bundle: No such file or directory$", partition("one", "a.elf"),
                        output=self.path("nowhere/bundle"))


class FitTool(ToolTest):
    """tools/fit.py"""

    def assert_fit(self, pattern, path=None, **paths):
        words = {"image": self.write("image"), "bundle": self.write("bundle"),
                 "output": self.output, **paths}
        self.assert_refused(pattern, *self.python("fit.py", *(
            word for name, file in words.items() for word in (f"--{name}", file))), path=path)
        self.assertFalse(os.path.exists(self.output), "it wrote a FIT all the same")

    def test_parts_that_are_not_there(self):
        for part in ("image", "bundle"):
            with self.subTest(part):
                self.assert_fit("^fit.py: .*/none: no such file$", **{part: self.path("none")})

    def test_what_mkimage_refuses(self):
        self.assert_fit("output: mkimage refused it: too large$",
                        path=self.stand_in("mkimage", "echo 'too large' >&2; exit 1"))

    def test_without_mkimage(self):
        self.assert_fit("^fit.py: mkimage: No such file or directory$", path=self.folder)

    def test_a_place_where_nothing_can_be_written(self):
        self.assert_fit("^fit.py: .*nowhere/fit: No such file or directory$",
                        output=self.path("nowhere/fit"))


class DiskTool(ToolTest):
    """tools/disk.py"""

    def assert_disk(self, pattern, *files, path=None, output=None):
        self.assert_refused(pattern, *self.python(
            "disk.py", "--script", self.write("script"), "--output", output or self.output, *files),
            path=path)

    def test_a_file_that_is_not_there(self):
        self.assert_disk("^disk.py: none: no such file$", "none=name")

    def test_a_file_without_a_name_on_the_disk(self):
        self.assert_disk("^disk.py: script: write FILE=NAME$", "script")

    def test_without_the_tools_that_write_file_systems(self):
        self.assert_disk("^disk.py: mformat: No such file or directory$", path=self.folder)

    def test_what_a_tool_refuses(self):
        self.assert_disk("^disk.py: mformat: no such drive$",
                         path=self.stand_in("mformat", "echo 'no such drive' >&2; exit 1"))

    def test_a_place_where_nothing_can_be_written(self):
        self.assert_disk("^disk.py: .*nowhere/disk: No such file or directory$",
                         output=self.path("nowhere/disk"))


class SymbolsTool(ToolTest):
    """tools/symbols.py"""

    def assert_symbol(self, pattern, *words):
        self.assert_refused(pattern, *self.python("symbols.py", "--prefix", CROSS, *words))

    def test_a_symbol_that_is_not_there(self):
        self.assert_symbol("has no symbol nothing$", require(ELF), "nothing")

    def test_a_file_that_is_none(self):
        self.assert_symbol("^symbols.py: .*text: file format not recognized$",
                           self.write("text", "no ELF file"), "image_start")


class BoardTable(ToolTest):
    """tools/board_table.sh"""

    def assert_board(self, pattern, iommus):
        tree = self.path("board.dtb")
        source = self.write("board.dts", "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
                                         f"{iommus} }};")
        call("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, source)
        self.assert_refused(pattern, os.path.join(TOOLS, "board_table.sh"), tree)

    @staticmethod
    def units(count):
        nodes = (f"smmu@{number}0000 {{ reg = <0x0 {number:#x}0000 0x0 0x20000>; }};"
                 for number in range(1, count + 1))
        return "iommus { " + " ".join(nodes) + " };"

    def test_a_board_without_an_iommu(self):
        self.assert_board(r"^board_table\.sh: .*board\.dtb names no IOMMU under /iommus$", "")
        self.assert_board(r"^board_table\.sh: .*board\.dtb names no IOMMU under /iommus$",
                          self.units(0))

    def test_a_board_with_more_iommus_than_are_supported(self):
        self.assert_board(r"^board_table\.sh: .*names 9 IOMMUs, at most 8 are supported$",
                          self.units(UNITS_MOST + 1))


class DebugTool(ToolTest):
    """tools/run/debug.py"""

    def test_files_that_are_not_there(self):
        for missing in ("--image", "--symbols", "--bundle", "--payload"):
            words = {"--image": self.write("image"), "--symbols": self.write("symbols"),
                     missing: self.path("none")}
            with self.subTest(missing):
                self.assert_refused(r"^debug\.py: .*/none: no such file( in \.|: has it been built\?)$",
                                    *self.python("run/debug.py", "--print", *(
                                        word for pair in words.items() for word in pair)))

    def test_an_emulator_that_cannot_be_started(self):
        broken = self.write("broken", "#!/none/such\n")
        os.chmod(broken, 0o755)
        self.enterContext(unittest.mock.patch.dict(os.environ, QEMU=broken))
        self.assert_refused("^debug.py: .*/broken: No such file or directory$", *self.python(
            "run/debug.py", "--print", "--image", self.write("image"), "--symbols",
            self.write("symbols"), "--scratch", self.path("disk")))


class Make(ToolTest):
    """What a person asks of make and cannot have: make's own line tells, and nothing is built."""

    def assert_make(self, pattern, *words):
        done = self.assert_refused(pattern, "make", "--no-print-directory", "-C", harness.ROOT,
                                   f"BUILD={harness.BUILD}", *words)
        self.assertEqual(done.stdout, "")

    def test_a_program_of_another_width(self):
        self.assert_make(r"\*\*\* WIDTH=16: write 64 or 32\.  Stop\.$", "program", "WIDTH=16",
                         f"SOURCES={self.write('a.c')}", f"OUTPUT={self.output}")

    def test_a_program_without_sources_or_a_name(self):
        for words in ((f"OUTPUT={self.output}",), (f"SOURCES={self.write('a.c')}",)):
            with self.subTest(words):
                self.assert_make(r"\*\*\* write SOURCES='a\.c b\.c' OUTPUT=my\.elf\.  Stop\.$",
                                 "program", *words)

    def test_a_boot_loader_that_is_none(self):
        self.assert_make(r"\*\*\* BOOT=grub: write kernel, u-boot or fit\.  Stop\.$", "run",
                         "BOOT=grub")

    def make(self, *words, path=None):
        return subprocess.run(["make", "--no-print-directory", *words], capture_output=True, text=True,
                              timeout=LIMIT, env=environment_on(path), check=False)

    def test_clean_leaves_the_tools_and_needs_no_build(self):
        build = self.path("build")
        words = "-C", harness.ROOT, f"BUILD={build}", "clean"
        done = self.make(*words)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        for name in ("tools", "host"):
            os.makedirs(os.path.join(build, name))
        self.assertEqual(self.make(*words).returncode, 0)
        self.assertEqual(os.listdir(build), ["tools"])

    def test_clean_says_what_cannot_be_removed(self):
        os.makedirs(self.path("build/host"))
        done = self.make("-C", harness.ROOT, f"BUILD={self.path('build')}", "clean",
                         path=self.stand_in("rm", "echo 'rm: it is in use' >&2; exit 1"))
        self.assertIn("rm: it is in use\n", done.stderr)
        self.assertNotEqual(done.returncode, 0)

    def tree_without(self, *lost):
        """The source tree, by links, without some of its parts."""
        tree = tempfile.mkdtemp(dir=self.folder)
        os.mkdir(os.path.join(tree, "mk"))
        names = [name for name in os.listdir(harness.ROOT) if name not in ("mk", "build")]
        names += [f"mk/{name}" for name in os.listdir(os.path.join(harness.ROOT, "mk"))]
        for name in names:
            if name not in lost:
                os.symlink(os.path.join(harness.ROOT, name), os.path.join(tree, name))
        return tree

    def test_a_makefile_that_is_lost_is_missed(self):
        for name in sorted(os.listdir(os.path.join(harness.ROOT, "mk"))):
            with self.subTest(name):
                done = self.make("-C", self.tree_without(f"mk/{name}"), "help",
                                 f"BUILD={harness.BUILD}")
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertIn(f"mk/{name}: No such file or directory", done.stderr)

    def test_without_the_tests_the_product_is_built_all_the_same(self):
        done = self.make("-n", "-C", self.tree_without("tests"), "image", f"BUILD={harness.BUILD}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
