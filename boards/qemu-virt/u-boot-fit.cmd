# SPDX-License-Identifier: Apache-2.0
# U-Boot's script for BOOT=fit: one file with image and bundle, whose hashes bootm compares, and the
# machine's own tree, as U-Boot holds it. The configuration is named twice, since with "-" in the
# second place U-Boot would leave the bundle out.
setenv fit ${kernel_addr_r}#conf
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} bulkhead.itb && bootm ${fit} ${fit} ${fdtcontroladdr}
echo "U-Boot: the image was not started"
poweroff
