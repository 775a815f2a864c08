# SPDX-License-Identifier: Apache-2.0
"""What guests/sdk promises a program, in both widths: guests/selfcheck, and the example."""
import os
import re
import shlex
import unittest

import harness
from scenario import EDU, Partition, Run, ScenarioTest, call, pack_file, pci

# Exit codes of guests/sdk/bulkhead.h.
UNDEFINED, DATA, INSTRUCTION, INTERRUPT, ABORTED, TOO_LARGE = 121, 122, 123, 126, 128 + 6, 255
WORDS = "word=text number=0xfedcba9876543210"
DMA_EXAMPLE = os.path.join(harness.ROOT, "guests", "example", "dma.dts")
EXAMPLE = os.path.join(harness.ROOT, "guests", "example", "example.dts")


def build(folder, name, text, width):
    """The program that `make program` makes of a source."""
    source, program = (os.path.join(folder, f"{name}{width}.{end}") for end in ("c", "elf"))
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    call("make", "-C", harness.ROOT, "program", f"SOURCES={source}", f"OUTPUT={program}",
         f"WIDTH={width}", f"BUILD={harness.BUILD}")
    return program


def text_of(*path):
    with open(os.path.join(harness.ROOT, *path), encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    """What stands in a page between ```language and ```."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Selfcheck:
    """One behaviour, one run."""

    cpu, payload, lines = "max", "selfcheck.elf", ()

    def run_one(self, test, devices=()):
        name = test[:31]
        partition = Partition(name, f"test={test} {WORDS}", self.payload, devices=devices,
                              lines=self.lines)
        run = self.run_set([partition], "-cpu", self.cpu)
        return run, run.said(name), run.codes.get(name)

    def assert_holds(self, test, *devices):
        run, _, code = self.run_one(test, devices)
        self.assert_checks_hold(run, test)
        self.assertEqual(code, 0)

    def assert_ends(self, test, code, report=None):
        run, said, seen = self.run_one(test)
        self.assertEqual(seen, code, said)
        self.assertEqual(run.hypervisor("ended"), [], "the hypervisor had to end it")
        if report:
            self.assertIn(f"unexpected: {report}", said)
            self.assertTrue([line for line in said if re.match(r"pc +=[0-9a-f]{8}", line)], said)

    def test_the_c_library_and_the_memory_of_a_program(self):
        self.assert_holds("library")

    def test_calls_and_arguments_that_do_not_fit(self):
        self.assert_holds("calls")

    def test_interrupts_leave_the_registers_of_a_computation_alone(self):
        self.assert_holds("interrupts")

    def test_an_interrupt_controller_that_does_not_answer_is_given_up(self):
        self.assert_holds("deaf")

    def test_a_sleep_leaves_the_interrupts_of_others_alone(self):
        self.assert_holds("sleep", pci(EDU))

    def test_remaps_copies_and_batches_lead_a_device_to_the_memory_that_they_name(self):
        self.assert_holds("mappings", pci(EDU))

    def test_an_undefined_instruction_is_reported(self):
        self.assert_ends("undefined", UNDEFINED, "an undefined instruction")

    def test_code_and_constants_cannot_be_written(self):
        for test in ("write-code", "write-constant"):
            with self.subTest(test=test):
                self.assert_ends(test, DATA, "a data abort")

    def test_data_and_stack_are_not_executed(self):
        for test in ("run-data", "run-stack"):
            with self.subTest(test=test):
                self.assert_ends(test, INSTRUCTION, "an instruction abort")

    def test_a_stack_that_overflows_meets_a_guard(self):
        self.assert_ends("deep-recursion", DATA, "a data abort")

    def test_abort_and_codes_that_are_too_large_have_codes_of_their_own(self):
        for test, code in (("abort", ABORTED), ("large-code", TOO_LARGE)):
            with self.subTest(test=test):
                self.assert_ends(test, code)


class In64Bits(Selfcheck, ScenarioTest):
    """64-bit code."""


class In32Bits(Selfcheck, ScenarioTest):
    """32-bit code."""

    payload, lines = "selfcheck32.elf", ("aarch32;",)


class In32BitsOnCortexA53(Selfcheck, ScenarioTest):
    """32-bit code on a CPU without features of later years."""

    cpu, payload, lines = "cortex-a53", "selfcheck32.elf", ("aarch32;",)


class Example(ScenarioTest):
    """The program to begin with, as its set runs it."""

    def test_the_example_runs_in_both_widths(self):
        run = Run(self.boot(pack_file(self.folder, EXAMPLE)))
        self.assert_named(run, ["hello", "hello32"])
        self.assertEqual(run.said("hello")[:2],
                         ["Hello from hello: 64-bit code, 15 MiB at 0x40000000",
                          "device 0: 0000:01:00.0, group 2"])
        self.assertEqual(run.said("hello32")[:1],
                         ["Servus from hello32: 32-bit code, 15 MiB at 0x40000000"])
        for name in run.codes:
            self.assertRegex(run.said(name)[-1], r"^slept \d+\.\d ms$")
        self.assert_codes(run, hello=0, hello32=0)

    def test_a_device_is_used_and_given_back_in_both_widths(self):
        """guests/example/dma.c, twice, with one device."""
        run = Run(self.boot(pack_file(self.folder, DMA_EXAMPLE)))
        for name in ("copy", "copy32"):
            self.assertEqual(run.said(name), ["what came back: copied by the device",
                                              "outside the map: translation fault at 0x20000000"])
        self.assert_codes(run, copy=0, copy32=0)


class Interrupted(ScenarioTest):
    """A program that lets interrupts in and has no function for them."""

    SOURCE = """
        #include "sdk/gic.h"
        #include "sdk/timer.h"

        int main(void)
        {
            gic_init();
            gic_enable_private(TIMER_INTID);
            timer_start(timer_now());
            gic_unmask();
            timer_spin_ns(NS_PER_SECOND);
            return 0;
        }
    """

    def assert_reported(self, width, digits, *lines):
        with open(build(self.folder, "open", self.SOURCE, width), "rb") as file:
            payload = {"open.elf": file.read()}
        run = self.run_set([Partition("open", payload="open.elf", lines=lines)], payloads=payload)
        self.assertEqual(run.said("open"), ["unexpected: an interrupt  intid=" + f"{27:0{digits}x}"])
        self.assert_codes(run, open=INTERRUPT)

    def test_an_interrupt_without_a_function_ends_a_64_bit_program(self):
        self.assert_reported(64, 16)

    def test_an_interrupt_without_a_function_ends_a_32_bit_program(self):
        self.assert_reported(32, 8, "aarch32;")


class Excerpts(ScenarioTest):
    """Pieces of programs in pages and headers: they build, and run, as they stand there."""

    HEADERS = "".join(f'#include "sdk/{name}.h"\n' for name in ("bulkhead", "dma", "events", "gic",
                                                                "timer"))

    def assert_builds(self, name, source):
        for width in (64, 32):
            with self.subTest(width=width):
                build(self.folder, name, source, width)

    def test_row_5_7_the_example_of_the_abi_runs_in_both_widths(self):
        block, = blocks(text_of("docs", "abi.md"), "c")
        source = f"{self.HEADERS}int main(void)\n{{\n{block}return 0;\n}}\n"
        for width, lines in ((64, ()), (32, ("aarch32;",))):
            with self.subTest(width=width):
                with open(build(self.folder, "abi", source, width), "rb") as file:
                    payload = {"abi.elf": file.read()}
                self.assert_codes(self.run_set([Partition("abi", "", "abi.elf", devices=[pci(EDU)],
                                                          lines=lines)], payloads=payload), abi=0)

    def test_the_example_of_a_handler_builds(self):
        block = blocks(text_of("docs", "guests.md"), "c")[1]
        self.assertIn("bh_interrupt", block)
        self.assert_builds("handler", f"{self.HEADERS}static struct bh_device_info device;\n"
                           f"static void quieten(void)\n{{\n}}\n{block}"
                           "int main(void)\n{\n    gic_unmask();\n    return 0;\n}\n")

    def test_the_example_of_the_event_ring_builds(self):
        text = text_of("guests", "sdk", "events.h")
        lines = re.findall(r"^ \*     (.*)$", text, re.MULTILINE)
        self.assertGreater(len(lines), 4, "where is it?")
        self.assert_builds("events", "#include <inttypes.h>\n#include <stdio.h>\n" + self.HEADERS +
                           "int main(void)\n{\n" + "\n".join(lines) + "\nreturn 0;\n}\n")


class Document(ScenarioTest):
    """The program of docs/guests.md, with the words that stand there."""

    def test_the_program_in_the_document_builds_and_runs(self):
        text = text_of("docs", "guests.md")
        make, start = [shlex.split(line) for line in blocks(text, "sh")[0].splitlines()]
        for name, language in (("hello.c", "c"), ("hello.dts", "dts")):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(blocks(text, language)[0])
        here = [re.sub(r"=(hello)", rf"={self.folder}/\1", word) for word in make]
        call(*here, "-C", harness.ROOT, f"BUILD={harness.BUILD}")
        self.assertEqual(start, ["make", "run", "CONFIG=hello.dts"])
        run = Run(self.boot(pack_file(self.folder, os.path.join(self.folder, "hello.dts"))))
        self.assertEqual(run.said("hello"), ["hello from hello, 0 devices"])
        self.assert_codes(run, hello=0)


if __name__ == "__main__":
    unittest.main()
