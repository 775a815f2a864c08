#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a FIT: the hypervisor's image and a bundle in one file that U-Boot checks and starts.

    fit.py --image bulkhead.img --bundle demo.bundle --output demo.itb

Each part carries its SHA-256, which `bootm` compares before anything starts. The configuration is
named `conf` and holds no device tree, so that U-Boot passes its own, that of the machine:
`bootm ADDRESS#conf - ${fdtcontroladdr}`. mkimage and dtc must be on the path.
"""
import argparse
import os
import subprocess
import sys
import tempfile

# kernel_noload: the image goes to where its own header asks to be, not to an address named here.
SOURCE = """/dts-v1/;
/ {{
    description = "Bulkhead: image and bundle";
    #address-cells = <1>;

    images {{
        hypervisor {{
            description = "image";
            data = /incbin/({image});
            type = "kernel_noload";
            arch = "arm64";
            os = "linux";
            compression = "none";
            load = <0>;
            entry = <0>;
            hash {{ algo = "sha256"; }};
        }};
        bundle {{
            description = "bundle";
            data = /incbin/({bundle});
            type = "ramdisk";
            arch = "arm64";
            os = "linux";
            compression = "none";
            hash {{ algo = "sha256"; }};
        }};
    }};

    configurations {{
        default = "conf";
        conf {{
            kernel = "hypervisor";
            ramdisk = "bundle";
        }};
    }};
}};
"""


def quoted(path):
    """A path as a string of a device tree source."""
    text = os.path.abspath(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def make(image, bundle, output):
    """Returns what mkimage complained of, None if it made the file."""
    with tempfile.TemporaryDirectory() as scratch:
        source, made = os.path.join(scratch, "fit.its"), os.path.join(scratch, "fit.itb")
        with open(source, "w", encoding="utf-8") as file:
            file.write(SOURCE.format(image=quoted(image), bundle=quoted(bundle)))
        # The same parts make the same file: no date of today.
        environment = {"SOURCE_DATE_EPOCH": "0", **os.environ}
        done = subprocess.run(["mkimage", "-f", source, made], capture_output=True, text=True,
                              env=environment, check=False)
        if done.returncode != 0 or not os.path.isfile(made):
            return done.stderr.strip() or done.stdout.strip()
        with open(made, "rb") as file, open(output, "wb") as out:
            out.write(file.read())
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("image", "bundle", "output"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    for path in (options.image, options.bundle):
        if not os.path.isfile(path):
            print(f"fit.py: {path}: no such file", file=sys.stderr)
            return 1
    try:
        complaint = make(options.image, options.bundle, options.output)
    except OSError as error:
        print(f"fit.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    if complaint is not None:
        print(f"{options.output}: mkimage refused it: {complaint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
