# SPDX-License-Identifier: Apache-2.0
# U-Boot's script for BOOT=u-boot: image and bundle from the disk that the script came from, and the
# machine's own tree, as U-Boot holds it. The image goes to the address that it is linked at, since
# sets may name its symbols (${name} in bootargs); U-Boot runs a copy of what lies there now.
setenv image 0x40200000
setenv from ${devtype} ${devnum}:${distro_bootpart}
load ${from} ${image} bulkhead.img && load ${from} ${ramdisk_addr_r} bulkhead.bundle && booti ${image} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}
echo "U-Boot: the image was not started"
poweroff
