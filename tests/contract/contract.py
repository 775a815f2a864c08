#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the documents say what is there; `N passed, N failed` at the end.

    contract.py [--compiler command ...]   abi.py, rows.py and safety.py: what does not hold, a line each
    contract.py --write                    rewrites what is made from the documents and the tests
"""
import argparse
import sys

import abi
import rows
import safety


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", action="append", default=[])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        abi.write()
        rows.write()
        safety.write()
        return 0
    looked, failed = 0, []
    for part in (abi.check(arguments.compiler), rows.check(), safety.check()):
        looked += part[0]
        failed += part[1]
    for text in failed:
        print(text)
    print(f"{looked - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
